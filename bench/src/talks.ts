// How the load generator speaks to a server: templates (bench/load/bytes.c) for each wire form. A talk greets, joins a
// room, and says what a message and its delivery, or a request and its reply, look like.
import type { Running } from "./processes.ts";
import type { Scenario } from "./scenarios.ts";

/** One way to speak to a server. */
export interface Talk {
  /** Which of the server's ports. */
  readonly port: string;
  /** A UDP port beside it. */
  readonly udpPort?: string;
  /** Until logged in. For a server that has no login, until it has answered something. */
  readonly greet: readonly string[];
  /** Everything else that the load generator has to know, for a scenario of that kind. */
  readonly load: (scenario: Scenario) => readonly string[];
}

const COLON_GREET = ["say=0:u{conn}:p\\n", "hear=0:{id}\\n"];
const COLON_JOIN = ["say=2:r{room}\\n", "hear=4:"];
const WAYS = { all: 1, others: 0, ordered: 3 } as const;

const colonRooms: Talk["load"] = ({ way = "all" }) => [
  ...COLON_JOIN,
  `message=3:${WAYS[way]}:{payload}\\n`,
  "delivery=3:{id}:{payload}\\n",
  `others=${way === "others" ? 1 : 0}`,
  `ordered=${way === "ordered" ? 1 : 0}`,
];

const colon: Talk = { port: "colon", greet: COLON_GREET, load: colonRooms };

const colonUdp: Talk = {
  port: "colon",
  udpPort: "udp",
  greet: COLON_GREET,
  load: () => [
    ...COLON_JOIN,
    "udp-say=0:{id}",
    "udp-hear=0:{id}:connected",
    "message=3:1:{payload}",
    "delivery=3:{id}:{payload}",
  ],
};

const colonWebSocket: Talk = {
  port: "web",
  greet: ["ws=/ws/colon-relay", ...COLON_GREET],
  load: colonRooms,
};

const comma: Talk = {
  port: "comma",
  greet: ["say=\\x00\\x00\\x00\\x0e\\x00req,100000,nop", "hear=req,100000"],
  load: () => ["request=\\x00\\x00\\x00\\x0e\\x00req,{n},nop", "reply=\\x00\\x00\\x00\\x0a\\x00req,{n}"],
};

// A handshake with no status request after it: the session stays in state 1, where every ping is answered.
const varint: Talk = {
  port: "varint",
  greet: ["say=\\x0f\\x00\\x2f\\x09127.0.0.1\\x63\\xdd\\x01"],
  load: () => ["request=\\x09\\x01{long}", "reply=\\x09\\x01{long}"],
};

const json: Talk = {
  port: "json",
  greet: [
    'say={"action":"handShake","data":null,"packet-created":1.5,"token":null}\\n',
    'hear="uuid":"{token}"',
  ],
  load: () => [
    'request={"action":"PING","data":{n},"packet-created":1.5,"token":"{token}"}\\n',
    'reply-has="action":"PONG","data":{n},',
    "reply-end=\\n",
  ],
};

// With RESP3 a connection may publish and be subscribed: no connections for publishing alone are needed. What PUBLISH
// answers, the number of receivers, is not asked for and skipped.
const redis: Talk = {
  port: "main",
  greet: ["say=HELLO 3\\r\\n", "hear=modules\\r\\n*0\\r\\n"],
  load: ({ members = 0, size = 0 }) => {
    const payload = `$${size}\\r\\n{payload}\\r\\n`;
    return [
      "say=*2\\r\\n$9\\r\\nSUBSCRIBE\\r\\n$6\\r\\nr{room}\\r\\n",
      "hear=:1\\r\\n",
      `message=*3\\r\\n$7\\r\\nPUBLISH\\r\\n$6\\r\\nr{room}\\r\\n${payload}`,
      `delivery=>3\\r\\n$7\\r\\nmessage\\r\\n$6\\r\\nr{room}\\r\\n${payload}`,
      `ignore=:${members}\\r\\n`,
    ];
  },
};

const redisPing: Talk = {
  port: "main",
  greet: redis.greet,
  load: () => ["request=*1\\r\\n$4\\r\\nPING\\r\\n", "reply=+PONG\\r\\n"],
};

const NATS_GREET = ['say=CONNECT {"verbose":false,"pedantic":false}\\r\\nPING\\r\\n', "hear=PONG\\r\\n"];

const nats: Talk = {
  port: "main",
  greet: NATS_GREET,
  load: ({ size = 0 }) => [
    "say=SUB r{room} 1\\r\\nPING\\r\\n",
    "hear=PONG\\r\\n",
    `message=PUB r{room} ${size}\\r\\n{payload}\\r\\n`,
    `delivery=MSG r{room} 1 ${size}\\r\\n{payload}\\r\\n`,
    "ignore=PING\\r\\n", // it measures its clients; unanswered, it does so again after two minutes
  ],
};

const natsPing: Talk = {
  port: "main",
  greet: NATS_GREET,
  load: () => ["request=PING\\r\\n", "reply=PONG\\r\\n", "ignore=PING\\r\\n"],
};

// MQTT 3.1.1 without keep-alive and with QoS 0.
const mqtt: Talk = {
  port: "main",
  greet: ["say=\\x10\\x12\\x00\\x04MQTT\\x04\\x02\\x00\\x00\\x00\\x06c{conn}", "hear=\\x20\\x02\\x00\\x00"],
  load: ({ size = 0 }) => {
    const publish = `\\x30${varintText(8 + size)}\\x00\\x06r{room}{payload}`;
    return [
      "say=\\x82\\x0b\\x00\\x01\\x00\\x06r{room}\\x00",
      "hear=\\x90\\x03\\x00\\x01\\x00",
      `message=${publish}`,
      `delivery=${publish}`,
    ];
  },
};

// Our own small server on `ws`: the first message names the room, every further one goes to all in it.
const wsRelay: Talk = {
  port: "main",
  greet: ["ws=/"],
  load: () => ["say=r{room}", "hear=joined", "message={payload}", "delivery={payload}"],
};

const SOCKET_IO_GREET = [
  "ws=/socket.io/?EIO=4&transport=websocket",
  "ws-text=1",
  "hear=pingInterval",
  "say=40",
  'hear=40{"sid"',
];

const socketIo: Talk = {
  port: "main",
  greet: SOCKET_IO_GREET,
  load: () => [
    'say=420["join","r{room}"]',
    "hear=430[]",
    'message=42["message","{payload}"]',
    'delivery=42["message","{payload}"]',
  ],
};

const socketIoAck: Talk = {
  port: "main",
  greet: SOCKET_IO_GREET,
  load: () => ['request=42{n}["ping"]', "reply=43{n}[]"],
};

/** Every talk by name. */
export const TALKS = {
  colon,
  "colon-udp": colonUdp,
  "colon-websocket": colonWebSocket,
  comma,
  varint,
  json,
  redis,
  "redis-ping": redisPing,
  nats,
  "nats-ping": natsPing,
  mqtt,
  ws: wsRelay,
  "socket.io": socketIo,
  "socket.io-ack": socketIoAck,
} as const satisfies Record<string, Talk>;

export type TalkName = keyof typeof TALKS;

/** A length as MQTT writes it, escaped for a template. */
function varintText(value: number): string {
  const group = (byte: number): string => `\\x${byte.toString(16).padStart(2, "0")}`;
  return value < 128 ? group(value) : group((value & 127) | 128) + varintText(value >> 7);
}

/** All arguments of the load generator for a scenario, but for how long and whose processes. A server has one node or several. */
export function loadArguments(
  talk: Talk,
  nodes: readonly Pick<Running, "ports">[],
  scenario: Scenario,
): string[] {
  const { kind, rooms, members, window, size, connections, depth, bystanders, rate } = scenario;
  const shape = { rooms, members, window, size, connections, depth, bystanders, rate };
  const numbers = Object.entries(shape).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const greetSteps = countSteps(talk.greet);
  return [
    `mode=${kind}`,
    ...nodes.map(({ ports }) => `port=${ports[talk.port]}`),
    ...(talk.udpPort ? [`udp-port=${nodes[0]?.ports[talk.udpPort]}`] : []),
    ...numbers,
    ...(scenario.isTogether ? ["together=1"] : []),
    `bystander-steps=${greetSteps}`,
    // For latencies the load generator must not need waking itself.
    ...(rate === undefined ? [] : ["spin=1"]),
    ...talk.greet,
    ...(kind === "idle" ? [] : talk.load(scenario)),
  ];
}

/** A step begins with each `say`, and with a `hear` that nothing was said before. */
function countSteps(steps: readonly string[]): number {
  const spoken = steps.filter((step) => step.startsWith("say=") || step.startsWith("hear="));
  return spoken.filter((step) => step.startsWith("say=")).length + (spoken[0]?.startsWith("hear=") ? 1 : 0);
}
