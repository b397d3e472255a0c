export { LOCAL_PAGE_HEADERS, refuseLocalPage } from './local-page-guard.js';
