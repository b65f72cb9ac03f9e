import { parseLong } from "./codec.ts";
import type { VarintSession, VarintState } from "./server.ts";
import { STATES, type State } from "./state.ts";

export interface OperatorOptions {
  /** Takes each line that is told. */
  write(line: string): void;
  /** Stops listening, and whatever else makes up the server. The service's sessions are closed after it. */
  stop?(): void | Promise<void>;
}

/** Runs the commands that an operator types. */
export interface Operator {
  /** Runs one line, and writes what comes of it. A line that cannot be run is told, and changes nothing. */
  run(line: string): Promise<void>;
}

/** Most sessions that `list` shows. */
const MAX_LISTED = 100;

const HELP = [
  "list [state]     shows the sessions; of a state: 0, 1 or its name, such as status_pinged",
  "list all         shows the sessions of every protocol and node",
  "ping [payload]   pings every client in state 0; payload: a whole number from -2^63 to 2^63-1",
  "stop             stops the server",
  "help             shows this",
];

type Command = (
  service: VarintState,
  argument: string | undefined,
  options: OperatorOptions,
) => Promise<void>;

const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ["list", list],
  ["ping", ping],
  ["stop", stop],
  ["help", help],
]);

/** Binds the operator's commands to a server. */
export function operator(service: VarintState, options: OperatorOptions): Operator {
  return {
    async run(line) {
      const [name = "", argument, ...more] = line.trim().split(/\s+/);
      if (name === "") return;
      const command = COMMANDS.get(name);
      if (command === undefined) {
        options.write(`${JSON.stringify(name)} is no command; help lists them`);
      } else if (more.length > 0) {
        options.write(`${name} takes one word at the most`);
      } else {
        await command(service, argument, options);
      }
    },
  };
}

async function help(
  _service: VarintState,
  _argument: string | undefined,
  options: OperatorOptions,
): Promise<void> {
  for (const line of HELP) options.write(line);
}

async function list(
  service: VarintState,
  argument: string | undefined,
  { write }: OperatorOptions,
): Promise<void> {
  if (argument === "all") return listNodes(service, write);
  const names = Object.keys(STATES) as State[];
  const wanted = names.filter((name) => argument === undefined || isNamed(name, argument));
  if (wanted.length === 0) {
    write(`${JSON.stringify(argument)} is no state; states are 0, 1, ${names.join(", ")}`);
    return;
  }
  let count = 0;
  for (const session of service.sessions()) {
    if (!wanted.includes(session.state)) continue;
    if (++count <= MAX_LISTED) write(sessionLine(session));
  }
  if (count > MAX_LISTED) write(`and ${count - MAX_LISTED} more`);
  write(count === 1 ? "1 session" : `${count} sessions`);
}

async function listNodes(service: VarintState, write: (line: string) => void): Promise<void> {
  let nodes: Awaited<ReturnType<VarintState["nodes"]>>;
  try {
    nodes = await service.nodes();
  } catch (error) {
    write(error instanceof Error ? error.message : String(error));
    return;
  }
  for (const { id: node, self, sessions } of nodes) {
    write(`node ${shown(node)}${self ? ", this one" : ""}: ${sessions.length}`);
    for (const { id, remoteAddress, protocol, user, name } of sessions.slice(0, MAX_LISTED)) {
      write(`${id}  ${remoteAddress}  ${protocol}  ${shown(user ?? name)}`.trimEnd());
    }
    if (sessions.length > MAX_LISTED) write(`and ${sessions.length - MAX_LISTED} more`);
  }
}

/** Text of somebody else without what a terminal would obey. */
function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, "?");
}

async function ping(
  service: VarintState,
  argument: string | undefined,
  { write }: OperatorOptions,
): Promise<void> {
  const payload = argument === undefined ? undefined : parseLong(argument);
  if (argument !== undefined && payload === undefined) {
    write(`${JSON.stringify(argument)} is no payload; one is a whole number from -2^63 to 2^63-1`);
    return;
  }
  const pinged = service.pingAll(payload);
  write(pinged === 1 ? "1 client is pinged" : `${pinged} clients are pinged`);
}

async function stop(
  service: VarintState,
  _argument: string | undefined,
  options: OperatorOptions,
): Promise<void> {
  // First no new ones, or one could come between.
  await options.stop?.();
  const closed = service.closeAll();
  options.write(closed === 1 ? "1 session is closed" : `${closed} sessions are closed`);
}

function isNamed(state: State, word: string): boolean {
  return word === state || word === String(STATES[state].wire);
}

function sessionLine({ id, remoteAddress, state, latencyMs, smoothedLatencyMs }: VarintSession): string {
  const where = `${id}  ${remoteAddress}  state ${STATES[state].wire} (${state})`;
  if (latencyMs === undefined || smoothedLatencyMs === undefined) return where;
  return `${where}  ${latencyMs.toFixed(1)} ms, ${smoothedLatencyMs.toFixed(1)} ms smoothed`;
}
