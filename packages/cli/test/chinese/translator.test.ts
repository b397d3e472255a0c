import { describe, expect, it } from 'vitest';
import { createTranslator } from '../../src/chinese/translator.js';

const translate = createTranslator({
  'no permission': '没有权限',
  none: '无',
  'cannot read {1}: {2}': '无法读取 {1}：{2}',
  'no answer from {1} within {2} s': '{2} 秒内没有 {1} 的应答',
  'no answer from {1}': '没有 {1} 的应答',
  'Expected {1}.': '应为 {1}',
  'expected a port': '应为端口',
  'measure it for a time, {range}': '测量一段时间，{range}',
  '{1} up': '上行 {1}',
  '; repeatable': '；可重复',
  '; did you mean {1}?': '；是不是 {1}？',
  ' and {1} more': '，另有 {1} 个',
  'no token: make one{1}': '没有令牌：请生成{1}',
  '{1}; see {2} --help': '{1}；见 {2} --help',
  'nothing listens at {1}': '{1} 上没有程序监听',
  'start the server': '请启动服务器',
  'check {1}': '请检查 {1}',
  'the file, or what the command prints': '文件，或命令的输出',
  'none is no user; leave it out': 'none 不是用户；请略去',
  "argument '{1}' is invalid": "值 '{1}' 无效",
});

describe('a text in Chinese', () => {
  it.each([
    ['as it is', 'no permission', '没有权限'],
    ['with values', 'cannot read /etc/token: EIO', '无法读取 /etc/token：EIO'],
    ['with values in another order', 'no answer from host:443 within 10 s', '10 秒内没有 host:443 的应答'],
    ['by the longer template', 'no answer from host', '没有 host 的应答'],
    ['with a value that is a text', 'cannot read a: no permission', '无法读取 a：没有权限'],
    ['with a small letter, and without a full stop', 'expected x', '应为 x'],
    ['with a capital letter, and a full stop', 'Expected a port.', '应为端口'],
    ['of several texts', 'listen: no permission', 'listen：没有权限'],
    ['of several texts, the first of which is known', 'no permission; EIO', '没有权限；EIO'],
    [
      'of several texts, the first of which ends in a value',
      'nothing listens at host:443; start the server',
      'host:443 上没有程序监听；请启动服务器',
    ],
    [
      'by a short template, with a value that is a text',
      'check the file, or what the command prints',
      '请检查 文件，或命令的输出',
    ],
    [
      'with a value of two texts, and another text behind it',
      'cannot read a: none is no user; leave it out; see program --help',
      '无法读取 a：none 不是用户；请略去；见 program --help',
    ],
    ['with nothing in quotes', "argument '' is invalid", "值 '' 无效"],
    ['with an ending', 'expected a port; repeatable', '应为端口；可重复'],
    ['with two endings', 'no permission; did you mean x?; repeatable', '没有权限；是不是 x？；可重复'],
    ['with an ending that other texts may have', 'a, b and 2 more', 'a, b，另有 2 个'],
    ['with an ending that stands in its own template', 'no token: make one; repeatable', '没有令牌：请生成；可重复'],
    ['with another text behind it', 'expected x; see program --help', '应为 x；见 program --help'],
    ['with the range of an option', 'measure it for a time, 1s to 2s', '测量一段时间，1s to 2s'],
  ])('is said %s', (_what, english, chinese) => {
    expect(translate(english)).toBe(chinese);
  });

  it.each([
    ['what the catalogue does not know', 'something else; entirely: different'],
    ['a text that only looks like a short template', 'the page is up'],
    ['an empty text', ''],
  ])('leaves %s as it is', (_what, text) => {
    expect(translate(text)).toBe(text);
  });

  it('is left soon, however many unknown parts it has', () => {
    const text = Array.from({ length: 40 }, (_, n) => `some words ${n}`).join(', ');
    expect(translate(text)).toBe(text);
  });

  it('takes a value of one word for a name', () => {
    expect(translate('none')).toBe('无');
    expect(translate('cannot read none: EIO')).toBe('无法读取 none：EIO');
  });
});
