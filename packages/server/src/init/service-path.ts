/** Where a package has the configuration of the service, and its unit looks for it. */
export const SERVICE_PATH = '/etc/wsproxy/server.yaml';
