import type { RedisBackplane } from "@wireyard/backplane-redis";
import type { Hub, ProtocolCounts } from "@wireyard/session";
import type { WebContext } from "./context.ts";

/** By Prometheus' text format, version 0.0.4. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Value = readonly [labels: Labels, value: number];

const NONE: ProtocolCounts = { sessions: 0, opened: 0, received: 0, delivered: 0, slowReaders: 0 };

/** Everything that is counted. No label comes from a client: their number is fixed when the server starts. */
export function metricsText(context: WebContext): string {
  const { hub, version, protocols, readiness, history } = context;
  const { counters } = hub;
  const { refused } = counters;
  const each = (key: keyof ProtocolCounts): Value[] =>
    Object.keys(protocols).map((protocol) => [{ protocol }, (counters.protocols.get(protocol) ?? NONE)[key]]);
  const one = (value: number): Value[] => [[{}, value]];
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return [
    gauge("wireyard_info", "The version that runs.", [[{ version }, 1]]),
    gauge(
      "wireyard_draining",
      "1 while the server closes its sessions.",
      one(readiness.state === "draining" ? 1 : 0),
    ),
    gauge("wireyard_sessions", "Open sessions.", each("sessions")),
    gauge("wireyard_users", "Users with an open session.", one(hub.userCount)),
    gauge("wireyard_rooms", "Rooms with a member on this node.", one(hub.roomCount)),
    counter("wireyard_sessions_opened_total", "Sessions that were opened.", each("opened")),
    counter("wireyard_messages_received_total", "Messages from clients.", each("received")),
    counter(
      "wireyard_messages_delivered_total",
      "Events delivered to clients, answers apart.",
      each("delivered"),
    ),
    counter("wireyard_slow_readers_cut_total", "Clients cut because they did not read.", each("slowReaders")),
    counter(
      "wireyard_connections_refused_total",
      "Connections refused for their number in all, from one address, or the rate from there.",
      Object.entries(refused).map(([reason, value]): Value => [{ reason }, value]),
    ),
    counter(
      "wireyard_login_failures_total",
      "Logins with a wrong user or password.",
      one(counters.loginFailures),
    ),
    counter("wireyard_registrations_total", "Accounts registered here.", one(counters.registrations)),
    ...(context.backplane === undefined ? [] : backplaneText(hub, context.backplane.counters)),
    gauge(
      "wireyard_event_loop_delay_seconds",
      "Longest delay of the event loop in the last 10 s.",
      one(history.loopDelayMs / 1_000),
    ),
    gauge("process_start_time_seconds", "Start, since the epoch.", one(context.startedAt / 1_000)),
    counter("process_cpu_seconds_total", "CPU time, user and system.", one((user + system) / 1e6)),
    gauge("process_resident_memory_bytes", "Memory that is resident.", one(rss)),
    gauge("nodejs_heap_size_used_bytes", "Heap that is used.", one(heapUsed)),
  ].join("");
}

/** Of several nodes, as this one sees it. */
function backplaneText(hub: Hub, counters: RedisBackplane["counters"]): string[] {
  const { outages, unsent, inDoubt, gaps, missed, leasesLost, nodesSwept } = counters;
  const families: [name: string, help: string, value: number][] = [
    ["outages", "Times that the engine was away.", outages],
    ["unsent", "Messages for other nodes that were not sent.", unsent],
    ["in_doubt", "Ordered messages that may not have reached everybody; their senders were told.", inDoubt],
    ["gaps", "Times that events of a room were missing while connected.", gaps],
    ["missed", "Events of rooms, messages among them, that were missed.", missed],
    ["leases_lost", "Times that the other nodes had taken this one for dead.", leasesLost],
    ["nodes_swept", "Dead nodes that this one has cleared away.", nodesSwept],
  ];
  return [
    gauge("wireyard_nodes", "Nodes that live, this one among them.", [[{}, 1 + hub.elsewhere.nodes]]),
    ...families.map(([name, help, value]) =>
      counter(`wireyard_backplane_${name}_total`, help, [[{}, value]]),
    ),
  ];
}

function gauge(name: string, help: string, values: readonly Value[]): string {
  return family("gauge", name, help, values);
}

function counter(name: string, help: string, values: readonly Value[]): string {
  return family("counter", name, help, values);
}

function family(type: string, name: string, help: string, values: readonly Value[]): string {
  const lines = values.map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
