export { boundInterim } from './bound-interim.js';
export { OWN_PAGE_HEADERS, type OwnPageRequest, refuseOwnPage } from './local-page-guard.js';
