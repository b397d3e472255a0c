import { type Certificate, makeCertificate } from 'wsproxy-test-support/certificate';
import { CuttingRelay } from 'wsproxy-test-support/sockets/cutting-relay';
import { temporaryFolder } from 'wsproxy-test-support/temporary-folder';
import { ClosingProxy } from './closing-proxy.js';
import { End } from './end.js';
import { type Lab, serverArguments } from './lab.js';

/** Where one of several servers lives. */
export interface Place {
  server: End;
  /** When a server was last killed here. */
  killedAt: number;
  readonly relay: CuttingRelay;
  readonly proxy: ClosingProxy;
  /** What this server dials from, so that destinations see whose connection they have. */
  readonly address: string;
  /** Starts the next server at this place. */
  restart(): Promise<void>;
}

/** One client and the servers it may use: client, relay, reverse proxy, server. */
export interface Fleet {
  readonly client: End;
  readonly places: readonly [Place, ...Place[]];
}

export interface FleetOptions {
  readonly servers: number;
  readonly client: readonly string[];
  readonly server: readonly string[];
  /** With TLS all the way. */
  readonly secure: boolean;
}

export async function startFleet(lab: Lab, options: FleetOptions): Promise<Fleet> {
  const folder = temporaryFolder();
  const certificate = options.secure ? await makeCertificate(folder, 'DNS:localhost', 1) : undefined;
  const more = { ...options, folder, certificate };
  const first = await startPlace(lab, 0, more);
  const rest: Place[] = [];
  while (rest.length + 1 < options.servers) rest.push(await startPlace(lab, rest.length + 1, more));
  const places = [first, ...rest] as const;
  const origin = options.secure ? 'wss://localhost' : 'ws://127.0.0.1';
  const urls = places.map(({ relay }) => `${origin}:${relay.port}/`);
  const env = certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate.file };
  const client = await End.start('wsproxy-client', [...urls, ...options.client], { env });
  lab.follow('client', client);
  return { client, places };
}

interface PlaceOptions extends FleetOptions {
  readonly folder: string;
  readonly certificate: Certificate | undefined;
}

async function startPlace(lab: Lab, n: number, options: PlaceOptions): Promise<Place> {
  const { certificate, folder } = options;
  const address = `127.0.0.${n + 2}`;
  const tls = certificate === undefined ? [] : ['--tls-cert', certificate.file, '--tls-key', `${folder}/key`];
  const args = serverArguments(['--bind-address', address, ...tls, ...options.server]);
  const server = await End.start('wsproxy-server', args);
  lab.follow(address, server);
  const proxy = await new ClosingProxy(server.port, certificate).start();
  const relay = await new CuttingRelay(proxy.port, lab.dice).start();
  const place: Place = {
    server,
    killedAt: Number.NEGATIVE_INFINITY,
    relay,
    proxy,
    address,
    restart: async () => {
      place.server = await End.start('wsproxy-server', args, { port: server.port });
      lab.follow(address, place.server);
    },
  };
  return place;
}
