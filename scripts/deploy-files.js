// What `init` of each program writes comes from deploy/. The programs have it as modules of their own, since nothing of deploy/ is
// beside them once they are installed. This makes the modules; tests compare them with deploy/.
//
//   node scripts/deploy-files.js
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../', import.meta.url);

const FILES = {
  client: { SYSTEMD_UNIT: 'wsproxy-client.service', LAUNCHD_LIST: 'org.wsproxy.client.plist' },
  server: {
    SETTINGS: 'packages/server.yaml',
    CADDY: 'Caddyfile',
    NGINX: 'nginx.conf',
    HAPROXY: 'haproxy.cfg',
    SYSTEMD_UNIT: 'wsproxy-server.service',
    SYSTEMD_SOCKET: 'wsproxy-server.socket',
    CERTBOT_HOOK: 'certbot-hook.sh',
  },
};

for (const [name, files] of Object.entries(FILES)) {
  const constants = Object.entries(files).map(([constant, file]) => {
    const text = readFileSync(new URL(`deploy/${file}`, root), 'utf8');
    const quoted = text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
    return `/** deploy/${file} */\nexport const ${constant} = \`${quoted}\`;\n`;
  });
  const module = new URL(`packages/${name}/src/init/deploy-files.ts`, root);
  writeFileSync(module, `// Made by: node scripts/deploy-files.js\n\n${constants.join('\n')}`);
}
