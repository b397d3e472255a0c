import { CLIENT } from './catalogue/client.js';
import { CLIENT_OPTIONS } from './catalogue/client-options.js';
import { COMMAND_LINE } from './catalogue/command-line.js';
import { DOCTOR } from './catalogue/doctor.js';
import { HELP } from './catalogue/help.js';
import { INIT } from './catalogue/init.js';
import { INSPECT } from './catalogue/inspect.js';
import { LOG } from './catalogue/log.js';
import { NODE } from './catalogue/node.js';
import { SERVER } from './catalogue/server.js';
import { SERVER_OPTIONS } from './catalogue/server-options.js';
import { type Catalogue, createTranslator } from './translator.js';

/**
 * Every text that the two programs show, in English and in simplified Chinese. `test/language/catalogue.test.ts` keeps it in step
 * with the sources. One word for each concept:
 *
 * | English | Chinese | | English | Chinese |
 * |---|---|---|---|---|
 * | session | 会话 | | token | 令牌 |
 * | channel | 通道 | | certificate, authority | 证书、CA |
 * | transport | 传输连接 | | destination, target | 目标 |
 * | tunnel | 隧道 | | remote listener | 远程监听 |
 * | resume | 恢复 | | reverse proxy | 反向代理 |
 * | flow, datagram | 数据报流、数据报 | | rule | 规则 |
 * | heartbeat | 心跳 | | limit, quota | 限额、流量配额 |
 * | grace | 宽限期 | | worker, node, cluster | 工作进程、节点、集群 |
 * | drain | 排空 | | store | 共享存储 |
 * | descriptor | 文件描述符 | | operator | 管理员 |
 */
export const CATALOGUE: Catalogue = {
  ...HELP,
  ...CLIENT_OPTIONS,
  ...SERVER_OPTIONS,
  ...COMMAND_LINE,
  ...INIT,
  ...INSPECT,
  ...CLIENT,
  ...DOCTOR,
  ...NODE,
  ...SERVER,
  ...LOG,
};

export const translate: (text: string) => string = createTranslator(CATALOGUE);
