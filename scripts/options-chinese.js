import { translate } from '../packages/cli/dist/chinese/index.js';

/** How docs/zh/options.md is written. */
export const CHINESE = {
  introduction: `# 选项

每个选项都可以写成命令行选项、配置文件中的设置，或库的选项。\`config check\` 逐行列出配置文件中的错误。各选项的详细说明 (英文)：
[client.md](../client.md)、[deploy.md](../deploy.md)、[policy.md](../policy.md)、[limits.md](../limits.md)、
[reverse.md](../reverse.md) 和 [api.md](../api.md)。

* **在文件中**，设置名是去掉两个短横的长选项名。\`--no-x\` 写成 \`x: false\`。相对路径从配置文件所在目录算起。
  *可重复* 的设置可以是一个值，也可以是列表。命令行优先于文件。文件由 \`--config\` 指定，默认是
  \`~/.config/wsproxy/client.yaml\` 和 \`server.yaml\` (设了 \`$XDG_CONFIG_HOME\` 时在它下面)。
* **在库中**，\`createClient\` 和 \`createServer\` 使用第三列的名字 (如果有)。doctor 的选项用于 \`diagnose\`。*可重复* 的选项
  是字符串列表，表中另有说明的除外。命令行给文件名的地方，库接受文件内容。
* **时间** 写成 \`500ms\`、\`30s\`、\`2m\` 或 \`1h\`，库中用毫秒。**大小** 写成 \`65536\`、\`64k\`、\`10M\`、\`1G\` 或 \`2T\`，按 1024 进位，
  库中用字节。**速率** 是每秒的大小。表示 0 的词，如 \`off\`，在库中写 0。
* 任何消息都不会显示 *保密* 的值。含有秘密的文件只能由其所有者读取。
* 未知选项或超出范围的值，会得到一行指出它的消息。程序以退出码 2 结束。库抛出带有 \`option\` 和 \`problem\` 的 \`OptionError\`。

本页由 \`node scripts/options.js --write\` 根据选项表生成，这些表同时用来检查命令行、文件和库的选项。
`,
  heads: ['命令行选项', '在文件中', '在库中', '值', '默认', '含义'],
  bothPrograms: '两个程序共有',
  inEnvironment: '；或用环境变量 ',
  say: translate,
  comma: '、',
  colon: '：',
  sayKind: (unit) => {
    const said = KINDS[unit] ?? translate(unit);
    if (said === unit && /[a-z]{3}/.test(unit))
      throw new Error(`docs/zh/options.md has no word for the value "${unit}"`);
    return said;
  },
};

/** Of values; the programs do not show these words. */
const KINDS = {
  repeatable: '可重复',
  secret: '保密',
  'IP address': 'IP 地址',
  PEM: 'PEM',
  'PEM key': 'PEM 私钥',
  'TCP address': 'TCP 地址',
  URL: 'URL',
  address: '地址',
  advertised: '对外地址',
  'advertised address': '对外地址',
  'allow rule': '允许规则',
  command: '命令',
  fallbacks: '备用服务器',
  file: '文件',
  folder: '目录',
  forward: '转发',
  function: '函数',
  headers: '请求头',
  host: '主机',
  'host name': '主机名',
  archive: 'HAR 文件',
  'inspect rule': '查看规则',
  'listen rule': '监听规则',
  'ticket path': '路径',
  'wisp path': '路径',
  message: '文字',
  logger: '日志记录器',
  name: '名称',
  nameserver: 'DNS 服务器',
  'node name': '节点名',
  observer: '观察者',
  origin: '网页来源',
  path: '路径',
  peer: '集群中的服务器',
  pin: '公钥摘要',
  ports: '端口',
  proxy: '代理',
  range: '地址范围',
  'remote forward': '远程转发',
  resolution: '名称的地址',
  rule: '规则',
  'server address': '服务器地址',
  'server name': '服务器名',
  signal: 'AbortSignal',
  'socket path': '套接字路径',
  'state file': '状态文件',
  'store address': '共享存储地址',
  target: '目标',
  token: '令牌',
  'user name': '用户名',
  users: '用户',
  workers: '工作进程数',
};
