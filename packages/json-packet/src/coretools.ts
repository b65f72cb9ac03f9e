/** A small command line over a server or a client: lines in, lines out. The terminal is the caller's. */
import type { JsonPacketClient } from "./client.ts";
import type { Connection, JsonPacketServer } from "./server.ts";

export interface CoretoolsOptions {
  /** Is given each line of output, without a line feed. */
  write: (line: string) => void;
  /** Called behind `stop`, once everybody was told: the place to close the listener. */
  stop?: () => void | Promise<void>;
}

export interface Coretools {
  /** Does what a line says. What goes wrong is written, never thrown. */
  run(line: string): Promise<void>;
}

interface Command {
  readonly usage: string;
  readonly text: string;
  run(args: string): void | Promise<void>;
}

type Commands = Readonly<Record<string, Command>>;

const COLUMNS = ["client", "user", "address", "since", "encrypted"] as const;
const NODE_COLUMNS = ["client", "user", "address", "protocol", "node"] as const;
const STOP_REASON = "the server stops";
const DISCONNECT_REASON = "disconnected by the operator";

/**
 * Makes the commands `help`, `list`, `ping`, `send`, `disconnect` and `stop` for a server or a client. Clients are
 * called by the numbers of their sessions: no token is ever written.
 */
export function coretools(
  target: JsonPacketServer | JsonPacketClient,
  { write, stop = () => {} }: CoretoolsOptions,
): Coretools {
  const commands =
    "clients" in target ? serverCommands(target, write, stop) : clientCommands(target, write, stop);
  return {
    async run(line) {
      const [name, args] = cut(line);
      if (name === "") return;
      if (name === "help") {
        for (const row of help(commands)) write(row);
        return;
      }
      const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (command === undefined) {
        write(`there is no command ${shown(name)}; help lists them`);
        return;
      }
      try {
        await command.run(args);
      } catch (error) {
        write(`${name}: ${shown(error instanceof Error ? error.message : String(error))}`);
      }
    },
  };
}

function serverCommands(
  server: JsonPacketServer,
  write: (line: string) => void,
  stop: () => void | Promise<void>,
): Commands {
  const everybody = (): Connection[] => [...server.clients.values()];
  const chosen = (args: string): Connection[] => {
    if (args === "") return everybody();
    const client = everybody().find(({ session }) => String(session.id) === args);
    if (client === undefined) throw new Error(`there is no client ${args}; list shows them`);
    return [client];
  };
  return {
    list: {
      usage: "list [all]",
      text: "who is connected; all: by every protocol, to every node",
      async run(args) {
        if (args === "all") {
          for (const line of nodeRows(await server.nodes())) write(line);
          return;
        }
        if (args !== "") throw new Error("say list, or list all");
        write(row(COLUMNS));
        for (const client of everybody()) write(row(columnsOf(client)));
      },
    },
    ping: {
      usage: "ping [client]",
      text: "how long one client, or each, takes to answer",
      async run(args) {
        const times = chosen(args).map(async (client) => {
          const answer = await client.ping().then(roundTrip, (error: Error) => error.message);
          write(`${client.session.id}: ${answer}`);
        });
        await Promise.all(times);
      },
    },
    send: {
      usage: "send <action> [json]",
      text: "sends a packet to everybody",
      run(args) {
        const [action, data] = packetOf(args);
        server.broadcast(server.createPacket(action, data));
        write(`sent to ${server.clients.size}`);
      },
    },
    disconnect: {
      usage: "disconnect <client>",
      text: "closes a client's connection",
      run(args) {
        if (args === "") throw new Error("name a client by its number; list shows them");
        for (const client of chosen(args)) client.close(DISCONNECT_REASON);
        write(`${args} is disconnected`);
      },
    },
    stop: {
      usage: "stop",
      text: "disconnects everybody and stops",
      async run() {
        const clients = everybody();
        for (const client of clients) client.close(STOP_REASON);
        await stop();
        write(`stopped; ${clients.length} disconnected`);
      },
    },
  };
}

function clientCommands(
  client: JsonPacketClient,
  write: (line: string) => void,
  stop: () => void | Promise<void>,
): Commands {
  const leave = (): void => {
    client.close();
    write("disconnected");
  };
  return {
    list: {
      usage: "list",
      text: "whom this client is connected to",
      run() {
        const since = new Date(client.openedAt).toISOString();
        const encrypted = client.encrypted ? ", encrypted" : "";
        const state = client.connected ? "connected" : "no longer connected";
        write(`${state}: ${client.remoteAddress} since ${since}${encrypted}`);
      },
    },
    ping: {
      usage: "ping",
      text: "how long the server takes to answer",
      run: async () => write(roundTrip(await client.ping())),
    },
    send: {
      usage: "send <action> [json]",
      text: "sends a packet to the server",
      run(args) {
        client.send(...packetOf(args));
        write("sent");
      },
    },
    disconnect: { usage: "disconnect", text: "closes the connection", run: leave },
    stop: {
      usage: "stop",
      text: "closes the connection and stops",
      async run() {
        leave();
        await stop();
      },
    },
  };
}

function* help(commands: Commands): Generator<string> {
  const all = [...Object.values(commands), { usage: "help", text: "this list" }];
  for (const { usage, text } of all) yield `${usage.padEnd(22)}${text}`;
}

/** What a line starts with up to a space, and the rest. */
function cut(text: string): [string, string] {
  const [, first = "", rest = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(text) ?? [];
  return [first, rest];
}

/** The action and the data of `send`. @throws {Error} where the data are no JSON */
function packetOf(args: string): [action: string, data: unknown] {
  const [action, json] = cut(args);
  if (action === "") throw new Error("name an action, and data as JSON where it needs some");
  if (json === "") return [action, null];
  try {
    return [action, JSON.parse(json) as unknown];
  } catch {
    throw new Error(`the data are no JSON: ${json}; text needs quotes`);
  }
}

function columnsOf({ session, encrypted }: Connection): string[] {
  const since = new Date(session.openedAt).toISOString();
  return [String(session.id), session.user ?? "-", session.remoteAddress, since, encrypted ? "yes" : "no"];
}

function* nodeRows(nodes: Awaited<ReturnType<JsonPacketServer["nodes"]>>): Generator<string> {
  yield row(NODE_COLUMNS);
  for (const { id: node, sessions } of nodes) {
    for (const { id, user, name, remoteAddress, protocol } of sessions) {
      yield row([String(id), user ?? (name || "-"), remoteAddress, protocol, node]);
    }
  }
}

function row(columns: readonly string[]): string {
  const widths = [12, 34, 41, 26, 0];
  return columns
    .map((column, i) => shown(column).padEnd(widths[i] ?? 0))
    .join("")
    .trimEnd();
}

function roundTrip(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

/** Text without what a terminal would obey. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "?");
}
