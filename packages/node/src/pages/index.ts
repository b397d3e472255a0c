export { OWN_PAGE_HEADERS, refuseOwnPage } from './local-page-guard.js';
