import { ProtocolError } from "@wireyard/framing";
import {
  type CommandEvent,
  encodeOnce,
  type Hub,
  type HubEvent,
  type Peer,
  type Phase,
  RefusedError,
  type Session,
  UsageError,
} from "@wireyard/session";
import {
  type CloseReason,
  type Link,
  type PumpHandlers,
  pump,
  type StreamService,
} from "@wireyard/transport";
import { encodeSend, errorValues, ReplyWriter } from "./codec.ts";
import { CommandTable, isPromise, runCommand, WRONG_ARGUMENTS } from "./command-table.ts";
import { type AnyCommand, type Command, type CommandResult, rightForm } from "./commands.ts";
import { CommaConnection } from "./connection.ts";
import { type ClientMessage, ERRORS, type ErrorCode } from "./messages.ts";
import { type CommaModule, defineModule } from "./modules.ts";

export { type CommaModule, type Command, type CommandResult, defineModule };

/** The service's own commands: it starts as with one module, which `use` leaves in place. */
export type CommaCommandOptions = CommaModule;

/** What an option is where it is not given. */
export const COMMA_COMMAND_DEFAULTS: Readonly<Required<CommaCommandOptions>> = Object.freeze({
  commands: Object.freeze([]),
  remove: Object.freeze([]),
});

export const PROTOCOL = "comma-command";

/** A comma command server on a hub: serve it with `listenTcp`. */
export interface CommaCommand extends StreamService {
  /** What it can be asked to do, by name; `req` apart. */
  readonly commands: ReadonlyMap<string, Pick<Command, "name" | "usage">>;
  /**
   * Puts modules in place of those in use, each on top of the ones before it. Clients stay connected: their next
   * requests find the new commands. [COMMA-2.12]
   *
   * @param modules by the names that errors tell
   * @throws {UsageError} where one is no module, or removes what is not there; nothing has changed then
   */
  use(modules: Readonly<Record<string, CommaModule>>): void;
}

/** Everything the service's peers share. */
interface CommandContext {
  readonly hub: Hub;
  table: CommandTable;
}

/**
 * Makes a comma command server on a hub.
 *
 * @throws {UsageError} where a command to add is none, or one to remove is not there
 */
export function commaCommand(hub: Hub, options: CommaCommandOptions = {}): CommaCommand {
  const first = { ...COMMA_COMMAND_DEFAULTS, ...options };
  const context: CommandContext = { hub, table: new CommandTable(first, {}) };
  return {
    get commands() {
      return context.table.commands;
    },
    use(modules) {
      context.table = new CommandTable(first, modules);
    },
    accept: (link) => accept(context, link),
    tick: () => hub.tick(),
    failed: (error) => hub.report("a comma command listener reported an error", error),
  };
}

function accept(context: CommandContext, link: Link): void {
  try {
    new CommandPeer(context, link).start();
  } catch (error) {
    // Refused for its number or rate: an error would only cost more.
    if (!(error instanceof RefusedError))
      context.hub.report("a comma command link could not be served", error);
    link.destroy();
  }
}

/** A request whose command has not finished. */
interface Pending {
  /** `req,<ID>`, copied: the frame's own memory was lent. Empty where the request was not under `req`. */
  readonly req: Uint8Array;
  /** Lets the next request come. */
  resolve(): void;
}

/** One client: its commands become calls of handlers and of the hub, results and events become frames. */
class CommandPeer implements Peer, PumpHandlers<ClientMessage> {
  readonly session: Session;
  private readonly context: CommandContext;
  private readonly link: Link;
  private readonly connection: CommaConnection<"server">;
  private pending: Pending | undefined;
  /** `leaving`: to be closed once the pending request is answered. */
  private state: "open" | "leaving" | "closing" = "open";

  constructor(context: CommandContext, link: Link) {
    const { hub } = context;
    this.context = context;
    this.link = link;
    this.session = hub.open({
      protocol: PROTOCOL,
      transport: link.transport,
      remoteAddress: link.remoteAddress,
      peer: this,
    });
    this.connection = new CommaConnection({ role: "server", maxFrameBytes: hub.limits.preLoginFrameBytes });
  }

  start(): void {
    this.session.deadlines.start("idle", this.context.hub.limits.idleTimeoutMs);
    pump(this.link, this.connection, this);
  }

  deliver(event: HubEvent): void {
    // Rooms have no words in this protocol.
    if (event.type === "command") this.link.write(encodeOnce(event, encodeCommandEvent));
  }

  expired(phase: Phase): void {
    const { limits } = this.context.hub;
    switch (phase) {
      case "frame": // [COMMA-4.4]
        this.endWith("timeout", `a frame took longer than ${limits.frameTimeoutMs} ms`);
        return;
      case "idle": // [COMMA-4.6]
        this.endWith("timeout", `nothing came in for ${limits.idleTimeoutMs} ms`);
        return;
      case "request": // [COMMA-4.5]
        if (this.pending === undefined) return;
        this.finish(
          this.pending,
          nonfatal("timeout", `the request took longer than ${limits.requestTimeoutMs} ms`),
        );
        return;
      case "login":
      case "silence":
      case "ping":
        // Phases of other protocols: never started here.
        return;
    }
  }

  close(_reason: string): void {
    // A request that was taken is answered: its time limit bounds the wait.
    if (this.pending === undefined) this.end();
    else if (this.state === "open") this.state = "leaving";
  }

  event(message: ClientMessage): void | Promise<void> {
    // Closed by what came before it in the same chunk.
    if (this.state !== "open") return;
    // Its frame is complete. The pump would tell so only after the whole chunk, which may have to wait.
    this.session.deadlines.clear("frame");
    if (message.type === "invalid") {
      this.answer(message.data, message.reqEnd, nonfatal("syntax", message.text));
      return;
    }
    const { hub, table } = this.context;
    const command = table.find(message);
    if (command === undefined) {
      this.answer(message.data, message.reqEnd, nonfatal("command_not_found", table.notFound));
      return;
    }
    let values: readonly string[];
    try {
      const result = runCommand(command, message, this.session, hub);
      if (result === WRONG_ARGUMENTS) values = nonfatal("syntax", rightForm(command));
      else if (isPromise(result)) return this.wait(message, command, result);
      else values = this.values(command, result);
    } catch (error) {
      values = this.refusal(command, error);
    }
    this.answer(message.data, message.reqEnd, values);
  }

  settled(partial: boolean, events: number): void {
    this.session.counts.received += events;
    const { limits } = this.context.hub;
    const { deadlines } = this.session;
    deadlines.touch("idle", limits.idleTimeoutMs);
    deadlines.frame(partial, events, limits.frameTimeoutMs);
  }

  /** [COMMA-1.2] [COMMA-1.3] [COMMA-1.8] The wire is broken, so the connection ends. */
  failed(error: unknown): void {
    if (!(error instanceof ProtocolError)) {
      this.context.hub.report("a comma command connection failed", error);
      this.link.destroy();
      return;
    }
    if (error.code === "http") this.end();
    else this.endWith(error.code === "too_long" ? "request_too_long" : "syntax", error.message);
  }

  /** The connection is gone, or as good as: nobody is left to answer. */
  closed(reason?: CloseReason): void {
    this.pending = undefined;
    this.context.hub.close(this.session, reason === "slow_reader");
  }

  /** Lets no further request of this client come before this one is answered: answers keep the requests' order. */
  private wait(message: ClientMessage, command: AnyCommand, result: PromiseLike<unknown>): Promise<void> {
    const { deadlines } = this.session;
    deadlines.start("request", this.context.hub.limits.requestTimeoutMs);
    const req = message.data.slice(0, message.reqEnd);
    return new Promise((resolve) => {
      const pending: Pending = { req, resolve };
      this.pending = pending;
      Promise.resolve(result)
        .then(
          (returned) => this.finish(pending, this.values(command, returned)),
          (error: unknown) => this.finish(pending, this.refusal(command, error)),
        )
        // What cannot be sent ends this connection, not the process.
        .catch((error: unknown) => this.failed(error));
    });
  }

  /** Answers a request that was waited for, unless it has been answered `timeout`, or its client is gone. */
  private finish(pending: Pending, values: readonly string[]): void {
    if (this.pending !== pending) return;
    this.pending = undefined;
    const { deadlines, account } = this.session;
    deadlines.clear("request");
    // [COMMA-4.3] Whatever command logged it in.
    if (account !== undefined) this.connection.maxFrameBytes = this.context.hub.limits.frameBytes;
    this.answer(pending.req, pending.req.length, values);
    if (this.state === "leaving") this.end();
    pending.resolve();
  }

  private answer(data: Uint8Array, reqEnd: number, values: readonly string[]): void {
    const size = replies.write(data, reqEnd, values);
    this.link.copy(replies.bytes, 0, size);
  }

  /** The values that tell what a handler returned. It may be an operator's own: nothing has checked it yet. */
  private values(command: AnyCommand, returned: unknown): readonly string[] {
    if (returned === undefined || returned === null) return OK;
    if (areStrings(returned)) return returned;
    return this.refusal(command, new UsageError("a handler returns an array of strings, or nothing"));
  }

  /** The values that tell a failure of a command. What is not a refusal is the operator's to read, not the client's. */
  private refusal(command: AnyCommand, error: unknown): readonly string[] {
    if (error instanceof RefusedError) return refused(error);
    this.context.hub.report(`the comma command "${command.name}" failed`, error);
    return nonfatal("unhandled", "the server failed to do it");
  }

  private endWith(code: ErrorCode, info: string): void {
    if (this.state !== "closing") this.answer(NO_REQ, 0, errorValues(true, code, info));
    this.end();
  }

  private end(): void {
    if (this.state === "closing") return;
    this.state = "closing";
    // No session any more from now on, not from when the peer has read its last frame.
    this.closed();
    this.link.end();
  }
}

/** Replies are copied on to their link at once: one memory serves all. */
const replies = new ReplyWriter(4_096);
const OK: readonly string[] = ["ok"];
const NO_REQ = new Uint8Array(0);

function encodeCommandEvent(event: CommandEvent): Uint8Array {
  return encodeSend(event.from, event.fields);
}

function nonfatal(code: ErrorCode, info: string): string[] {
  return errorValues(false, code, info);
}

function areStrings(returned: unknown): returned is readonly string[] {
  if (!Array.isArray(returned)) return false;
  // Not with `every`, which leaves out the holes of an array.
  for (const value of returned) if (typeof value !== "string") return false;
  return true;
}

/** The protocol's words for what the core refuses. */
function refused(error: RefusedError): string[] {
  const { code, message } = error;
  switch (code) {
    case "invalid_name":
    case "name_too_short":
    case "rate_limited":
    case "timeout":
    case "wrong_user_or_password":
      return nonfatal(code, message);
    case "not_logged_in":
      return nonfatal(code, ERRORS.not_logged_in);
    case "name_taken":
      return nonfatal("invalid_name", message);
    case "unknown_user":
      return nonfatal("wrong_user_or_password", message);
    default:
      return nonfatal("unhandled", message);
  }
}
