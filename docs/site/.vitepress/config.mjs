import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { CHINESE_GROUPS, GROUPS, linkOf } from '../groups.js';
import { slugOf } from '../slug.js';

const site = fileURLToPath(new URL('..', import.meta.url));
const pages = join(site, 'pages');
const { repository } = JSON.parse(readFileSync(join(site, '../../package.json'), 'utf8'));

const sideOf = (groups) =>
  Object.entries(groups).map(([text, entries]) => ({
    text,
    items: Object.entries(entries).map(([place, title]) => ({ text: title, link: linkOf(place) })),
  }));

const CHINESE_LABELS = {
  outline: { level: [2, 3], label: '本页内容' },
  docFooter: { prev: '上一页', next: '下一页' },
  darkModeSwitchLabel: '外观',
  lightModeSwitchTitle: '切换到浅色',
  darkModeSwitchTitle: '切换到深色',
  sidebarMenuLabel: '目录',
  returnToTopLabel: '回到顶部',
  langMenuLabel: '语言',
  skipToContentLabel: '跳到正文',
};

const CHINESE_SEARCH = {
  button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
  modal: {
    displayDetails: '显示详情',
    resetButtonTitle: '清除',
    backButtonTitle: '关闭',
    noResultsText: '没有找到',
    footer: { selectText: '选择', navigateText: '切换', closeText: '关闭' },
  },
};

/** The words of a text, by which the search finds it. Chinese has no spaces between them. It runs in the browser, too: it stands alone. */
function tokenize(text) {
  const words = text.split(/[\n\r\p{Z}\p{P}]+/u);
  return words.flatMap((word) => {
    if (!/\p{Script=Han}/u.test(word)) return [word];
    return [...new Intl.Segmenter('zh', { granularity: 'word' }).segment(word)].map(({ segment }) => segment);
  });
}

export default defineConfig({
  title: 'wsproxy',
  description: 'A forward proxy tunneled over WebSocket, whose connections survive the loss of the WebSocket',
  srcDir: 'pages',
  outDir: join(site, 'dist'),
  cacheDir: join(site, 'node_modules/.cache'),
  lastUpdated: false,
  markdown: { anchor: { slugify: slugOf } },
  /** Their tables have six columns. */
  transformPageData: ({ relativePath }) =>
    ['docs/options.md', 'zh/options.md'].includes(relativePath) ? { frontmatter: { aside: false } } : {},
  // The text of all pages, by which the search works, is large.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      themeConfig: {
        sidebar: { '/': sideOf(GROUPS), '/reference/': [{ text: 'Documents', link: '/' }, ...referenceGroups()] },
      },
    },
    zh: {
      label: '简体中文',
      lang: 'zh-CN',
      description: '通过 WebSocket 隧道工作的正向代理，WebSocket 断了，连接还在',
      themeConfig: { sidebar: sideOf(CHINESE_GROUPS), ...CHINESE_LABELS },
    },
  },
  themeConfig: {
    // Not every page is there in both languages: the menu leads to the first one.
    i18nRouting: false,
    search: {
      provider: 'local',
      options: {
        locales: { zh: { translations: CHINESE_SEARCH } },
        // Words of users stand in the documents; the reference has them in the name of each type.
        miniSearch: {
          options: { tokenize },
          searchOptions: { boostDocument: (page) => (page.includes('/reference/') ? 0.2 : 1) },
        },
      },
    },
    outline: [2, 3],
    ...(repository === undefined ? {} : { socialLinks: [{ icon: 'github', link: urlOf(repository) }] }),
  },
});

function urlOf(repository) {
  return (repository.url ?? repository).replace(/^git\+|\.git$/g, '');
}

/** The API reference by packages and kinds. */
function referenceGroups() {
  const kinds = {
    functions: 'Functions',
    classes: 'Classes',
    interfaces: 'Interfaces',
    'type-aliases': 'Types',
    variables: 'Constants',
  };
  return ['wsproxy-client', 'wsproxy-server'].map((name) => ({
    text: name,
    link: `/reference/${name}/`,
    items: Object.entries(kinds)
      .filter(([kind]) => existsSync(join(pages, 'reference', name, kind)))
      .map(([kind, text]) => ({
        text,
        collapsed: kind !== 'functions',
        items: readdirSync(join(pages, 'reference', name, kind))
          .map((file) => file.slice(0, -'.md'.length))
          .map((entry) => ({ text: entry, link: `/reference/${name}/${kind}/${entry}` })),
      })),
  }));
}
