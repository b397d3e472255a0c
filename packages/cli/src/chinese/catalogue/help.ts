import type { Catalogue } from '../translator.js';

/** The frame of `--help`, commander's own words, and what stands behind the options. */
export const HELP: Catalogue = {
  'Usage:': '用法:',
  'Arguments:': '参数：',
  'Options:': '选项：',
  'Commands:': '命令：',
  'Limits:': '限额：',
  'Several servers:': '多台服务器：',
  '[options]': '[选项]',
  '[command]': '[命令]',
  'display help for command': '显示命令的帮助',
  ' (choices: {1})': ' (可选：{1})',
  ' (choices: {1}, default: {2})': ' (可选：{1}；默认：{2})',
  ' (default: {1})': ' (默认：{1})',
  '; repeatable': '；可重复',
  '; {1} is the other way': '；也可用 {1}',
  "unknown option '{1}'": "未知选项 '{1}'",
  "unknown command '{1}'": "未知命令 '{1}'",
  "unknown command '{1}'{2}": "未知命令 '{1}'{2}",
  ' (Did you mean {1}?)': ' (是不是 {1}？)',
  ' (Did you mean one of {1}?)': ' (是不是其中之一：{1}？)',
  "missing required argument '{1}'": "缺少参数 '{1}'",
  "option '{1}' argument missing": "选项 '{1}' 缺少值",
  "option '{1}' argument '{2}' is invalid. {3}": "选项 '{1}' 的值 '{2}' 无效：{3}",
  "command-argument value '{1}' is invalid for argument '{2}'. {3}": "参数 '{2}' 的值 '{1}' 无效：{3}",
  'Allowed choices are {1}.': '可选值：{1}',
  "option '{1}' cannot be used with option '{2}'": "选项 '{1}' 不能与选项 '{2}' 同用",
  'too many arguments. Expected {1} arguments but got {2}.': '参数过多：应为 {1} 个，得到 {2} 个',
  "too many arguments for '{1}'. Expected {2} argument but got {3}.": "'{1}' 的参数过多：应为 {2} 个，得到 {3} 个",
  "too many arguments for '{1}'. Expected {2} arguments but got {3}.": "'{1}' 的参数过多：应为 {2} 个，得到 {3} 个",
  'Examples:': '示例：',
  'Exit codes: 0 stopped by a signal, 1 failed, 2 wrong usage, 70 a defect.':
    '退出码：0 被信号停止，1 失败，2 用法错误，70 程序缺陷。',
  'Exit codes: 0 stopped by a signal, 1 cannot listen, 2 wrong usage, 70 a defect.':
    '退出码：0 被信号停止，1 无法监听，2 用法错误，70 程序缺陷。',
  'Put a TLS reverse proxy in front before you let the Internet reach it, or give --tls-cert and --tls-key.':
    '对互联网开放之前，请在前面放一个 TLS 反向代理，或给出 --tls-cert 和 --tls-key。',
  'SIGHUP without a terminal reconnects at once instead of waiting for the next try, asks for the token again, and reads the configuration file again: a -L or -R that is new there begins, one that is gone stops, and the others go on. With a terminal it ends the program, as closing the terminal does.':
    '没有终端时，SIGHUP 让客户端立即重连，不等下一次重试，并重新获取令牌、重新读取配置文件：新增的 -L 或 -R 开始，删去的停止，其余照常。有终端时，SIGHUP 结束程序，与关闭终端一样。',
  'Exit codes: 0 stopped by a signal, 1 the server cannot be used, the port is taken or a -R is refused (with --exit-on-forward-failure), 2 wrong usage or no token, 70 a defect.':
    '退出码：0 被信号停止，1 服务器不可用、端口被占用或 -R 被拒绝 (加了 --exit-on-forward-failure 时)，2 用法错误或没有令牌，70 程序缺陷。',
  'SIGHUP reads the files of --users, --token-file, --tls-cert and --cluster-cert again, as does a change of them; it never ends the server.':
    'SIGHUP 重新读取 --users、--token-file、--tls-cert 和 --cluster-cert 的文件，文件有变化时也会重新读取；它从不结束服务器。',
  'With --workers, SIGUSR2 has new workers take what is new, from what the files hold then; nobody is refused meanwhile.':
    '使用 --workers 时，SIGUSR2 按文件的当前内容启动新的工作进程来接新连接，期间不拒绝任何人。',
  'Exit codes: 0 stopped by a signal, 1 cannot listen, 2 wrong usage or no token, 70 a defect.':
    '退出码：0 被信号停止，1 无法监听，2 用法错误或没有令牌，70 程序缺陷。',
};
