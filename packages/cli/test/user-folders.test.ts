import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { userFolders } from '../src/user-folders.js';

describe('the folders of the user', () => {
  it('are what the environment says', () => {
    expect(userFolders({ HOME: '/home/ann' })).toEqual({
      home: '/home/ann',
      configHome: '/home/ann/.config',
      stateHome: '/home/ann/.local/state',
    });
    expect(userFolders({ USERPROFILE: '/ann' }).home).toBe('/ann');
    expect(userFolders({ HOME: '/home/ann', XDG_CONFIG_HOME: '/x' }).configHome).toBe('/x');
    expect(userFolders({ HOME: '/home/ann', XDG_STATE_HOME: '/x' }).stateHome).toBe('/x');
  });

  it.each([{}, { HOME: '' }, { HOME: '', USERPROFILE: '' }])(
    'are what the system says for %j, not where the program runs',
    (env) => {
      const { homedir } = userInfo();
      expect(userFolders(env)).toEqual({
        home: homedir,
        configHome: `${homedir}/.config`,
        stateHome: `${homedir}/.local/state`,
      });
    },
  );
});
