/** Of all packages: they share one. `package.json` cannot be read everywhere that this code runs; a test holds them equal. */
export const VERSION = '0.1.0';
