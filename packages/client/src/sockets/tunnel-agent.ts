import type { AgentOptions, ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { Agent, type AgentConnectOpts } from 'agent-base';
import type { Target } from 'wsproxy-engine';
import { changeRequests } from 'wsproxy-node/internals';
import type { ConnectOptions } from './connect-socket.js';
import { secureStream } from './secure-stream.js';
import type { TunnelSocket } from './tunnel-socket.js';

/** For the `agent` of `http.request` and `https.request`, and of anything that takes one: each connection is a channel. */
export class TunnelAgent extends Agent {
  readonly #connect: Connect;

  /** `options` are those of `http.Agent`; `keepAlive` keeps channels open between requests. */
  constructor(connect: Connect, options?: AgentOptions) {
    super(options);
    this.#connect = connect;
    // Whether it is https is found out where the request is made, and noted: Node asks for it again when the connection is
    // there, to tell for which other requests it may be used.
    changeRequests<AgentConnectOpts>(this, (asked) => {
      const secureEndpoint = this.isSecureEndpoint(asked);
      return { ...asked, secureEndpoint } as AgentConnectOpts;
    });
  }

  override async connect(_request: ClientRequest, options: AgentConnectOpts): Promise<Duplex> {
    const { host = 'localhost', port, allowHalfOpen }: AgentConnectOpts & ConnectOptions = options;
    const stream = await this.#connect({ host, port: Number(port) }, { allowHalfOpen });
    return options.secureEndpoint ? secureStream(stream, host, options) : stream;
  }
}

/** Opens a stream to a target. */
export type Connect = (target: Target, options?: Pick<ConnectOptions, 'allowHalfOpen'>) => Promise<TunnelSocket>;
