import type { ListenHandler, ListenRequest, RemoteListener } from 'wsproxy-engine';

/** Where remote listeners may live. */
export interface ListenerHomes {
  /** The one where a new listener goes; undefined while there is none. */
  readonly home: ListenerHome | undefined;
  /** Whether a listener may stay there. */
  isInUse(home: ListenerHome): boolean;
  /** Calls `listener` whenever one of these may have changed, until what is returned is called. */
  watch(listener: () => void): () => void;
}

/** A session with a server. */
export interface ListenerHome {
  readonly server: { readonly name: string };
  readonly session: ListenerSession;
  /** It is not to end for want of channels, until what is returned is called. */
  hold(): () => void;
}

/** What is asked of a session. */
export interface ListenerSession {
  readonly attached: boolean;
  listen(request: ListenRequest, handler: ListenHandler): RemoteListener;
}
