import type { Catalogue } from '../translator.js';

/** What `init` asks and says. */
export const INIT: Catalogue = {
  'Files:': '文件：',
  'Write them': '写出它们',
  'Replace what is there, and keep it as FILE.old': '替换已有文件，原文件存为 FILE.old',
  'stopped: nothing was written': '已停止：没有写任何文件',
  'Expected yes or no.': '应为 yes 或 no',
  '{1} cannot stand beside init': '{1} 不能与 init 同用',
  ' (in the way: it says something else)': ' (已存在：内容不同)',
  ' (stays as it is)': ' (保持不变)',
  ' (changes)': ' (会更改)',
  '{1} is there, and says something else; nothing was written': '{1} 已存在且内容不同；没有写任何文件',
  '{1} is there, and is not a file; nothing was written': '{1} 已存在，但不是普通文件；没有写任何文件',
  '{1}; --force replaces it, and keeps it as {2}': '{1}；--force 会替换它，原文件存为 {2}',
  'cannot write {1}: {2}; nothing was written': '无法写 {1}：{2}；没有写任何文件',
  'The files are written. Now the way to the server:': '文件已写好。现在检查到服务器的路径：',
  'Nothing has changed. Now the way to the server:': '文件没有变化。现在检查到服务器的路径：',
  'the files stay; once that is mended, look again: {1}': '文件已保留；修好之后请再检查：{1}',
  'Other flags of the program go into the configuration file that it writes:':
    '本程序的其他选项会写入 init 生成的配置文件：',
  'nothing can be made there': '那里无法创建文件',
  'expected the name of a host, such as proxy.example.org': '应为主机名，如 proxy.example.org',
  'expected letters, digits and - between dots, such as proxy.example.org':
    '应为用点隔开的字母、数字和 -，如 proxy.example.org',
  'an address has no certificate that clients trust; give a name that leads to this machine':
    '地址没有客户端信任的证书；请给出指向本机的主机名',
  'a host name has no path; give the path with --path': '主机名不含路径；路径请用 --path 给出',
  'a host name has no user; give users with --user': '主机名不含用户；用户请用 --user 给出',
  'one name is needed, not all below a domain; give the one that clients use':
    '需要一个名称，不能是通配符；请给出客户端使用的那个',
  'a host name has no _, and gets no certificate with one': '主机名不能含 _，含 _ 的名称得不到证书',
  'Paste the line of wsproxy-server init, and press Enter (it stays hidden)':
    '请粘贴 wsproxy-server init 给出的那一行，然后按回车 (不会显示)',
  'standard input: {1}': '标准输入：{1}',
  'the line of wsproxy-server init: it is incomplete or old': 'wsproxy-server init 给出的那一行：它不完整，或已失效',
  'the token, a secret': '令牌，须保密',
  'the users, a secret': '用户，须保密',
  'the configuration of the client': '客户端的配置',
  'the configuration of the server': '服务器的配置',
  'starts the client when you log in': '登录时启动客户端',
  'the URL must have nothing behind #: that is a line of wsproxy-server init, which wsproxy-client init reads':
    'URL 的 # 后不能有内容：那是 wsproxy-server init 给出的一行，由 wsproxy-client init 读取',
  'expected the line that wsproxy-server init has printed: wss://host/path#token':
    '应为 wsproxy-server init 输出的那一行：wss://host/path#token',
  'the token in the line {1}; copy the whole line': '这一行中的令牌{1}；请复制整行',
  '{1} takes --reverse-http, the port for host names': '{1} 需要 --reverse-http，即供主机名使用的端口',
  'the configuration of {1}': '{1} 的配置',
  'Host name that clients use, such as proxy.example.org': '客户端使用的主机名，如 proxy.example.org',
  'What serves TLS in front of it: {1}, or none': '它前面由什么提供 TLS：{1}，或 none',
  'Users, with commas between them, or none: one token for everybody': '用户，用逗号分隔；填 none 则所有人用同一个令牌',
  'Expected names of users, or none alone.': '应为用户名，或只填 none',
  'none is not the name of a user; for one token for everybody leave --user out':
    'none 不是用户名；所有人用同一个令牌时，不要给 --user',
  '{1} is missing; without a terminal, init takes its answers from flags': '缺少 {1}；没有终端时，init 从选项取得回答',
  'Expected names of {1}.': '应为名称，{1}',
  '{1}: behind {2}, init takes {3}': '{1}：在 {2} 之后，init 需要{3}',
  'a port, or host:port': '端口或 host:port',
  'a path of letters, digits, and any of / . _ ~ -': '由字母、数字和 / . _ ~ - 组成的路径',
  'install it for all users, such as into /usr/local/bin (docs/install.md)':
    '请为所有用户安装，如安装到 /usr/local/bin (docs/install.md)',
  'a service cannot start {1}: {2}': '服务无法启动 {1}：{2}',
  'The files are written. Next, on this machine:': '文件已写好。接下来，在本机运行：',
  'Nothing has changed. Next, on this machine:': '文件没有变化。接下来，在本机运行：',
  'the block of {1}': '{1} 的块',
  'map and the two servers': 'map 和两个 server',
  'frontend and backend': 'frontend 和 backend',
  ' in place of the cp line': '，代替 cp 那一行',
  'If {1} serves other sites too, copy only {2} into {3}.': '如果 {1} 还服务其他站点，请只把 {2} 复制到 {3}。',
  'this line': '这一行',
  'one of these lines for each user': '这些行之一 (每个用户一行)',
  'On the machine of the client, run wsproxy-client init, and give it {1}. It holds the token, so keep it secret:':
    '在客户端的机器上运行 wsproxy-client init，并给它{1}。其中有令牌，请保密：',
  'There is no line for {1}: the users file has no tokens, only their digests.':
    '没有可给 {1} 的行：用户文件里只有令牌的摘要，没有令牌本身。',
  'This makes a new token, and the line that takes the place of the old one in {1}:':
    '用它生成新令牌，以及用来替换 {1} 中旧行的那一行：',
  'The client then gets {1}#TOKEN, with the new token in place of TOKEN.':
    '然后把 {1}#TOKEN 给客户端，其中 TOKEN 换成新令牌。',
  'brings certificates from certbot to the server': '把 certbot 的证书交给服务器',
  'lets systemd listen on port 443': '让 systemd 监听 443 端口',
  'the service': '服务',
  '{1} of {2} would lose access; nothing was written; --force does it all the same':
    '{2} 中的{1}将无法再使用服务器；没有写任何文件；加 --force 则仍会写入',
  'every client that has the token': '所有持有令牌的客户端',
  'every user': '所有用户',
  'also while you are not logged in': '未登录时也运行',
  '401: the server is there, and wants the token': '401：服务器在运行，需要令牌',
  'put the certificate into {1}, its key into privkey.pem': '把证书放入 {1}，把私钥放入 privkey.pem',
  'Start it now:': '现在启动：',
  'Or start it now and at each login:': '或现在启动，并在每次登录时启动：',
  'Or start it now and at each login (not tested on a Mac yet):':
    '或现在启动，并在每次登录时启动 (尚未在 Mac 上测试)：',
  'Start it at each login (not tested on Windows yet):': '每次登录时启动 (尚未在 Windows 上测试)：',
  'Try it:': '试用：',
  'Browsers:': '浏览器：',
  'For the proxy settings of the system and of browsers, as automatic configuration:':
    '系统和浏览器的代理设置，用作自动配置：',
  'What the client does, in a browser:': '在浏览器中查看客户端的状态：',
};
