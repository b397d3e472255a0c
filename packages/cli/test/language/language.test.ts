import { afterEach, describe, expect, it } from 'vitest';
import { languageOf, say, sayLines, speak } from '../../src/language/language.js';

describe('the language of a program', () => {
  it.each([
    ['nothing said', [], {}, 'en'],
    ['--lang zh', ['--lang', 'zh'], {}, 'zh'],
    ['--lang=zh', ['wss://host/', '--lang=zh'], {}, 'zh'],
    ['the last --lang', ['--lang', 'zh', '--lang', 'en'], {}, 'en'],
    ['--lang before the environment', ['--lang', 'en'], { LANG: 'zh_CN.UTF-8' }, 'en'],
    ['a --lang that there is not', ['--lang', 'fr'], { LANG: 'zh_CN.UTF-8' }, 'zh'],
    ['--lang behind --', ['--', '--lang', 'zh'], {}, 'en'],
    ['LANG', [], { LANG: 'zh_CN.UTF-8' }, 'zh'],
    ['LANG of another country', [], { LANG: 'zh_TW.utf8' }, 'zh'],
    ['LANG without an encoding', [], { LANG: 'zh_CN' }, 'zh'],
    ['LANG of another encoding, which cannot show UTF-8', [], { LANG: 'zh_CN.GB18030' }, 'en'],
    ['LC_MESSAGES before LANG', [], { LC_MESSAGES: 'zh_CN.UTF-8', LANG: 'de_DE.UTF-8' }, 'zh'],
    ['LC_ALL before LC_MESSAGES', [], { LC_ALL: 'C', LC_MESSAGES: 'zh_CN.UTF-8' }, 'en'],
    ['an empty LC_ALL', [], { LC_ALL: '', LANG: 'zh_CN.UTF-8' }, 'zh'],
    ['a language whose name begins the same', [], { LANG: 'zhx_CN' }, 'en'],
  ] as const)('is by %s', (_what, words, env, language) => {
    expect(languageOf(words, env)).toBe(language);
  });
});

describe('say', () => {
  afterEach(() => speak('en'));

  it('leaves English as it is', () => {
    expect(say('the server refused the token (401)')).toBe('the server refused the token (401)');
  });

  it('says it in Chinese once that is spoken', async () => {
    await speak('zh');
    expect(say('the server refused the token (401)')).toBe('服务器拒绝了令牌 (401)');
  });

  it('leaves commands as they are, and says their comments', async () => {
    await speak('zh');
    const text =
      'Files:\n  cp Files: no permission\n  loginctl x   # also while you are not logged in\n  # no permission\n';
    const said = '文件：\n  cp Files: no permission\n  loginctl x   # 未登录时也运行\n  # 没有权限\n';
    expect(sayLines(text)).toBe(said);
  });
});
