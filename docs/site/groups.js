/** What stands at the side, by the titles of its groups; `docs/` is left out of the paths. */
export const GROUPS = {
  Begin: { '': 'wsproxy', install: 'Install', client: 'The client', deploy: 'Deploy the server' },
  'Run the server': {
    users: 'Users',
    policy: 'Rules for destinations',
    limits: 'Limits',
    front: 'Without a reverse proxy',
    scaling: 'Cores and machines',
    store: 'A shared store',
  },
  'More than TCP': {
    udp: 'UDP',
    reverse: 'Reverse: -R',
    'reverse-http': 'Host names for -R',
    push: 'Push',
    console: 'Web console',
    wisp: 'Wisp',
    browser: 'Web pages',
  },
  'Watch it': {
    observing: 'Metrics and access log',
    log: 'Every line of the log',
    inspect: 'Look inside connections',
  },
  'Look up': {
    options: 'Options',
    api: 'Libraries',
    '/reference/': 'API reference',
    '/examples/': 'Examples',
    '/deploy/': 'Files for deployment',
    '/PROTOCOL': 'Protocol',
  },
  Trust: { '/SECURITY': 'Security', reliability: 'Reliability', performance: 'Performance' },
  'Change it': {
    '/CONTRIBUTING': 'Contributing',
    architecture: 'Architecture',
    '/CHANGELOG': 'Changes',
    '/LICENSE': 'Licence',
  },
};

/** The same of the pages in Chinese. */
export const CHINESE_GROUPS = {
  开始: { '/zh/': 'wsproxy', '/zh/quick-start': '快速上手' },
  查阅: { '/zh/options': '选项' },
  '英文文档 (English)': { install: '安装', client: '客户端', deploy: '部署服务器', users: '用户', limits: '限额' },
};

/** Where a page of a group is on the site. */
export function linkOf(place) {
  if (place === '') return '/';
  return place.startsWith('/') ? place : `/docs/${place}`;
}
