export { boundInterim } from './bound-interim.js';
export { OWN_PAGE_HEADERS, refuseOwnPage } from './local-page-guard.js';
