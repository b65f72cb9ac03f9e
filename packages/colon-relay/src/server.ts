import { ProtocolError } from "@wireyard/framing";
import {
  encodeOnce,
  type Hub,
  type HubEvent,
  type MaybePromise,
  type MemberEvent,
  type MessageEvent,
  type Peer,
  type Phase,
  RefusedError,
  Secret,
  type Session,
} from "@wireyard/session";
import {
  type CloseReason,
  type Link,
  type PumpHandlers,
  pump,
  type StreamService,
} from "@wireyard/transport";
import { type Dialect, encodeRelayed, encodeServerMessage } from "./codec.ts";
import { ColonConnection } from "./connection.ts";
import { type RelayDatagrams, relayDatagrams } from "./datagrams.ts";
import type { ClientMessage, ErrorCode, ServerMessage } from "./messages.ts";

const LINE_FEED = 0x0a;

export interface ColonRelayOptions {
  /** `open` takes any name and ignores the password; `accounts` checks both. */
  auth?: "open" | "accounts";
  /** Tells user names with `2:`, as the original programs do. */
  usernames?: boolean;
  /** Answers errors with `9:` lines. */
  errors?: boolean;
  udp?: Partial<ColonRelayUdpOptions>;
}

export interface ColonRelayUdpOptions {
  /** Tells a cookie at login that a client may bind its datagrams with. */
  cookie: boolean;
  /** Takes no bind without it. */
  requireCookie: boolean;
  /** Sends datagram messages by stream to members who have not bound. */
  fallback: boolean;
}

/** What an option is where it is not given. */
export const COLON_RELAY_DEFAULTS = Object.freeze({
  auth: "open" as const,
  usernames: false,
  errors: true,
  udp: Object.freeze({ cookie: false, requireCookie: false, fallback: false }),
});

export const PROTOCOL = "colon-relay";

/** A colon relay on a hub: serve it with `listenTcp`, and its `datagrams` with `listenUdp`. */
export interface ColonRelay extends StreamService {
  readonly datagrams: RelayDatagrams;
}

/** What a name may not hold beside what no name may hold: the wire's own separators. [COLON-4.2] */
export const NAME_SEPARATORS = { user: ":", room: ":,", group: ":" } as const;

/** Everything the relay's peers share. */
export interface RelayContext {
  readonly hub: Hub;
  readonly options: Required<Omit<ColonRelayOptions, "udp">> & { readonly udp: ColonRelayUdpOptions };
  readonly dialect: Dialect;
  readonly datagrams: RelayDatagrams;
  /** One function for the whole relay: an event is encoded once for all its peers. */
  readonly encode: (event: MemberEvent | MessageEvent) => Uint8Array;
}

/** Makes a colon relay on a hub. */
export function colonRelay(hub: Hub, options: ColonRelayOptions = {}): ColonRelay {
  const udp = { ...COLON_RELAY_DEFAULTS.udp, ...options.udp };
  const all = { ...COLON_RELAY_DEFAULTS, ...options, udp };
  const dialect = { usernames: all.usernames };
  const context: RelayContext = {
    hub,
    options: all,
    dialect,
    datagrams: relayDatagrams(hub, udp),
    encode: (event) => encodeEvent(event, dialect),
  };
  return {
    datagrams: context.datagrams,
    accept: (link) => accept(context, link),
    tick: () => hub.tick(),
    failed: (error) => hub.report("a colon relay listener reported an error", error),
  };
}

function accept(context: RelayContext, link: Link): void {
  try {
    new RelayPeer(context, link).start();
  } catch (error) {
    // Refused for its number or rate: a line would only cost more.
    if (!(error instanceof RefusedError)) context.hub.report("a colon relay link could not be served", error);
    link.destroy();
  }
}

/** One client: its messages become calls of the hub, the hub's events become lines. */
export class RelayPeer implements Peer, PumpHandlers<ClientMessage> {
  readonly session: Session;
  readonly cookie: Secret | undefined;
  private readonly context: RelayContext;
  private readonly link: Link;
  private readonly connection: ColonConnection<"server">;
  private state: "greeting" | "logged-in" | "closing" = "greeting";
  /** `leaving`: a request is being worked on, and the connection ends behind its answer. */
  private work: "none" | "pending" | "leaving" = "none";
  private partial = false;

  constructor(context: RelayContext, link: Link) {
    const { hub, options } = context;
    this.context = context;
    this.link = link;
    this.session = hub.open({
      protocol: PROTOCOL,
      transport: link.transport,
      remoteAddress: link.remoteAddress,
      peer: this,
    });
    this.connection = new ColonConnection({ role: "server", maxLineBytes: hub.limits.preLoginFrameBytes });
    if (options.udp.cookie || options.udp.requireCookie) this.cookie = new Secret(crypto.randomUUID());
  }

  start(): void {
    this.session.deadlines.start("login", this.context.hub.limits.loginTimeoutMs);
    pump(this.link, this.connection, this);
  }

  deliver(event: HubEvent): void {
    // The relay has no words for user-to-user commands.
    if (event.type === "command") return;
    if (event.type === "message" && event.channel === "datagram") {
      if (this.context.datagrams.deliver(this, event)) return;
      // [COLON-5.9] A line end within would be the start of another line.
      if (!this.context.options.udp.fallback || event.body.includes(LINE_FEED)) return;
    }
    this.link.write(encodeOnce(event, this.context.encode));
  }

  /** [COLON-1.6] A phase ran out: the protocol has no words for it. */
  expired(_phase: Phase): void {
    this.end();
  }

  close(_reason: string): void {
    if (this.work === "none") this.end();
    else this.work = "leaving";
  }

  settled(partial: boolean, events: number): void {
    this.session.counts.received += events;
    // The usual case, after every chunk: no part of a frame was held, and none is.
    if (!partial && !this.partial) return;
    this.partial = partial;
    this.session.deadlines.frame(partial, events, this.context.hub.limits.frameTimeoutMs);
  }

  event(message: ClientMessage): void | Promise<void> {
    try {
      const waiting = this.act(message);
      if (waiting !== undefined) return this.waitFor(waiting);
    } catch (error) {
      this.refuse(error);
    }
  }

  private async waitFor(request: Promise<void>): Promise<void> {
    this.work = "pending";
    await request.catch((error: unknown) => this.refuse(error));
    const leaving = (this.work as string) === "leaving";
    this.work = "none";
    if (leaving) this.end();
  }

  /** [COLON-4.6] */
  private async tellDoubt(sent: Promise<void>): Promise<void> {
    try {
      await sent;
    } catch (error) {
      if (this.session.state === "open") this.refuse(error);
    }
  }

  private act(message: ClientMessage): MaybePromise<void> {
    if (message.type === "send" && this.state === "logged-in") {
      const { to, ordered, body } = message;
      const { hub } = this.context;
      const sent = hub.post(this.session, body, { toSender: to === "all", ordered, channel: "stream" });
      // Not waited for: the next one may follow it on its way.
      if (sent !== undefined) void this.tellDoubt(sent);
      return;
    }
    if (message.type === "invalid") {
      this.answerError(message.code, message.text);
      return;
    }
    if (message.type === "login") return this.login(message.username, message.password);
    if (this.state === "greeting") {
      this.answerError("not_logged_in", "log in first: 0:username:password");
      return;
    }
    return this.actLoggedIn(message);
  }

  private actLoggedIn(message: Exclude<ClientMessage, { type: "login" | "invalid" }>): MaybePromise<void> {
    const { hub } = this.context;
    const { session } = this;
    switch (message.type) {
      case "send":
        return;
      case "send-group":
        return hub.postToGroup(session, message.group, message.body, "stream");
      case "list": {
        const rooms = hub.rooms(message.password);
        return rooms instanceof Promise
          ? rooms.then((list) => this.answer({ type: "rooms", rooms: list }))
          : this.answer({ type: "rooms", rooms });
      }
      case "join":
        return hub.join(session, message.room, message.password, NAME_SEPARATORS.room);
      case "leave":
        return hub.leave(session);
      case "define-group":
        return hub.defineGroup(session, message.group, message.ids, NAME_SEPARATORS.group);
    }
  }

  private login(username: string, password: string): MaybePromise<void> {
    if (this.state === "logged-in") {
      this.answerError("already_logged_in", "this connection is logged in already");
      return;
    }
    const { hub, options } = this.context;
    if (options.auth === "open") {
      hub.enter(this.session, username, NAME_SEPARATORS.user);
      this.loggedIn();
      return;
    }
    return hub.login(this.session, username, password).then(() => {
      if (this.session.state === "open") this.loggedIn();
    });
  }

  private loggedIn(): void {
    const { limits } = this.context.hub;
    this.state = "logged-in";
    this.session.deadlines.clear("login");
    this.context.datagrams.admit(this);
    this.connection.maxLineBytes = limits.frameBytes;
    const { id } = this.session;
    const cookie = this.cookie?.reveal();
    this.answer(cookie === undefined ? { type: "logged-in", id } : { type: "logged-in", id, cookie });
  }

  private answer(message: ServerMessage): void {
    this.link.write(encodeServerMessage(message, this.context.dialect));
  }

  private answerError(code: ErrorCode, text: string): void {
    if (this.context.options.errors) this.answer({ type: "error", code, text });
  }

  private refuse(error: unknown): void {
    if (error instanceof RefusedError) {
      this.answerError(errorCode(error), error.message);
      return;
    }
    this.context.hub.report("a colon relay request failed", error);
    this.answerError("rate_limited", "the server cannot do this now; try again later");
  }

  /** [COLON-1.3] [COLON-1.4] [COLON-1.5] The wire is broken, so the connection ends. */
  failed(error: unknown): void {
    if (!(error instanceof ProtocolError)) {
      this.context.hub.report("a colon relay connection failed", error);
      this.link.destroy();
      return;
    }
    if (error.code === "too_long" || error.code === "syntax") this.answerError(error.code, error.message);
    this.end();
  }

  private end(): void {
    if (this.state === "closing") return;
    this.state = "closing";
    // Out of its room now, not when the peer has read its last line.
    this.closed();
    this.link.end();
  }

  /** The connection is gone, or as good as. */
  closed(reason?: CloseReason): void {
    this.context.datagrams.remove(this);
    this.context.hub.close(this.session, reason === "slow_reader");
  }
}

/** The relay's words for what the core refuses. */
function errorCode(error: RefusedError): ErrorCode {
  switch (error.code) {
    case "invalid_name":
    case "not_in_room":
    case "not_logged_in":
    case "wrong_password":
      return error.code;
    case "wrong_user_or_password":
      return "wrong_password";
    default:
      return "rate_limited";
  }
}

function encodeEvent(event: MemberEvent | MessageEvent, dialect: Dialect): Uint8Array {
  if (event.type === "message") return encodeRelayed(event.from.id, event.body, true);
  const { id, name } = event.member;
  if (event.type !== "joined") return encodeServerMessage({ type: event.type, id }, dialect);
  return encodeServerMessage({ type: "joined", id, room: event.room, username: name }, dialect);
}
