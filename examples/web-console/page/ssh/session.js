import {
  ChannelOpenMessage,
  ChannelRequestMessage,
  CommandRequestMessage,
  SshAlgorithms,
  SshAuthenticationType,
  SshClientSession,
  SshDisconnectReason,
  SshSessionConfiguration,
} from '@microsoft/dev-tunnels-ssh';
import { Buffer } from 'buffer';
import { ByteStream } from './byte-stream.js';
import { Ed25519 } from './ed25519.js';

/** What may be on its way to a console that reads slowly, bytes. */
const WINDOW = 1024 * 1024;

/**
 * An ssh session over a channel, from this page to the ssh server: nobody between them can read or change it.
 *
 * @param {{ readable: ReadableStream, writable: WritableStream }} channel
 * @param {object} options
 * @param {string} options.user
 * @param {string} [options.password]
 * @param {object} [options.key] a key pair of `readPrivateKey`, or an `Ed25519KeyPair`
 * @param {string} [options.hostKeyType] the type of the key that the server showed before
 * @param {(key: { type: string, fingerprint: string }) => Promise<void>} options.judgeHostKey rejects to refuse it
 */
export async function openSsh(channel, { user, password, key, hostKeyType, judgeHostKey }) {
  const session = new SshClientSession(configuration(hostKeyType));
  let refusal;
  session.onAuthenticating((event) => {
    if (event.authenticationType !== SshAuthenticationType.serverPublicKey) return;
    event.authenticationPromise = (async () => {
      try {
        await judgeHostKey(await describeKey(event.publicKey));
        return {};
      } catch (error) {
        refusal = error;
        return null;
      }
    })();
  });
  await session.connect(new ByteStream(channel));
  const isServerRight = await session.authenticateServer();
  if (!isServerRight) throw refusal ?? new Error('The server has not proved its host key.');
  const credentials = { username: user, ...(key ? { publicKeys: [key] } : { password }) };
  if (await session.authenticateClient(credentials)) return session;
  await session.close(SshDisconnectReason.noMoreAuthMethodsAvailable);
  // The library does not say whether the server takes passwords at all.
  throw new Error(`The server refuses ${key ? `this key for ${user}` : `this password for ${user}, or takes none`}.`);
}

/** The public half of a key: its type, SHA-256 as `ssh-keygen -l` shows it, and the line for `authorized_keys`. */
export async function describeKey(pair) {
  const bytes = await pair.getPublicKeyBytes(pair.keyAlgorithmName);
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', bytes));
  const fingerprint = `SHA256:${digest.toString('base64').replaceAll('=', '')}`;
  return { type: pair.keyAlgorithmName, fingerprint, line: `${pair.keyAlgorithmName} ${bytes.toString('base64')}` };
}

/** A shell in a terminal of this size. */
export async function openShell(session, { columns, rows }) {
  const channel = await openChannel(session);
  if (!(await channel.request(new TerminalRequest(columns, rows)))) throw new Error('The server gives no terminal.');
  if (!(await channel.request(new ChannelRequestMessage('shell', true)))) throw new Error('The server gives no shell.');
  return channel;
}

/** A command without a terminal. */
export async function openCommand(session, command) {
  const channel = await openChannel(session);
  const request = new CommandRequestMessage();
  request.command = command;
  request.wantReply = true;
  if (!(await channel.request(request))) throw new Error('The server runs no command.');
  return channel;
}

/** Tells the shell that its terminal has another size. */
export function resize(channel, { columns, rows }) {
  return channel.request(new SizeRequest(columns, rows));
}

function openChannel(session) {
  const message = new ChannelOpenMessage();
  message.channelType = 'session';
  message.maxWindowSize = WINDOW;
  return session.openChannel(message);
}

/** What every OpenSSH since 6.5 can do. GCM alone: it is not open to the Terrapin attack, unlike CBC with encrypt-then-MAC. */
function configuration(hostKeyType) {
  const { publicKey, encryption, keyExchange } = SshAlgorithms;
  const config = new SshSessionConfiguration();
  const replace = (list, ...values) => list.splice(0, list.length, ...values);
  const ed25519 = new Ed25519();
  const { rsaWithSha512, rsaWithSha256, ecdsaSha2Nistp256, ecdsaSha2Nistp384 } = publicKey;
  const keys = [ed25519, ecdsaSha2Nistp256, ecdsaSha2Nistp384, rsaWithSha512, rsaWithSha256];
  // The type that is pinned comes first: a server has several keys, and another one of them looks like a changed one.
  const [pinned, others] = [true, false].map((is) =>
    keys.filter((one) => (one.keyAlgorithmName === hostKeyType) === is),
  );
  replace(config.publicKeyAlgorithms, ...pinned, ...others);
  replace(config.encryptionAlgorithms, encryption.aes256Gcm);
  replace(config.keyExchangeAlgorithms, keyExchange.ecdhNistp256Sha256, keyExchange.ecdhNistp384Sha384);
  return config;
}

/** `pty-req` (RFC 4254, 6.2). */
class TerminalRequest extends ChannelRequestMessage {
  constructor(columns, rows) {
    super('pty-req', true);
    Object.assign(this, { columns, rows });
  }

  onWrite(writer) {
    super.onWrite(writer);
    writer.writeString('xterm-256color', 'ascii');
    writeSize(writer, this);
    // No modes: the end of them.
    writer.writeBinary(Buffer.from([0]));
  }
}

/** `window-change` (RFC 4254, 6.7). */
class SizeRequest extends ChannelRequestMessage {
  constructor(columns, rows) {
    super('window-change', false);
    Object.assign(this, { columns, rows });
  }

  onWrite(writer) {
    super.onWrite(writer);
    writeSize(writer, this);
  }
}

function writeSize(writer, { columns, rows }) {
  for (const number of [columns, rows, 0, 0]) writer.writeUInt32(number);
}
