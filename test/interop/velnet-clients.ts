import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, type Socket } from "node:net";

// What two clients of VelNet's text protocol do with bytes, written anew from what is known of them. Their weak points
// are kept: they are what a server can break.

/** A number as .NET's `int.Parse` takes it: 32 bits, and anything else throws, which ends the reading thread. */
function parseInt32(text: string): number {
  if (!/^\s*[+-]?\d+\s*$/.test(text)) throw new Error(`not an integer: ${JSON.stringify(text)}`);
  const value = Number(text);
  if (value < -(2 ** 31) || value > 2 ** 31 - 1) throw new Error(`not of 32 bits: ${text}`);
  return value;
}

/** How often the client repeats its first datagram. */
const HELLO_MS = 100;
/** What one read takes, of the stream and of a datagram. */
const READ_BYTES = 1_024;

/** The Unity client of 2021: ASCII, split at `:`, ids of 32 bits, players in a table that must have whoever is named. */
export class UnityClient {
  id = -1;
  udpConnected = false;
  /** Who is in the room, with the room each was told to be in. */
  readonly players = new Map<number, string>();
  master: number | undefined;
  /** `<sender>:<text>`, in the order in which they came. */
  readonly heard: string[] = [];
  /** What would have ended its reading thread. */
  broken: Error | undefined;
  private readonly stream: Socket;
  private readonly udpPort: number;
  private udp: UdpSocket | undefined;
  private hello: ReturnType<typeof setInterval> | undefined;
  private partial = "";

  constructor(ports: { tcp: number; udp: number }) {
    this.udpPort = ports.udp;
    this.stream = connect({ port: ports.tcp, host: "127.0.0.1", noDelay: true });
    this.stream.on("data", (data) => {
      for (let at = 0; at < data.length; at += READ_BYTES) this.read(data.subarray(at, at + READ_BYTES));
    });
  }

  login(username: string, password: string): void {
    this.say(`0:${username}:${password}`);
  }

  join(room: string): void {
    this.say(`2:${room}`);
  }

  leave(): void {
    this.say("2:-1");
  }

  /** @param kind 0 others, 1 all, 2 and 3 the same in order */
  send(kind: number, text: string, reliable = true): void {
    if (reliable) this.say(`3:${kind}:${text}`);
    else this.sayByUdp(`${this.id}:3:${kind}:${text}`);
  }

  sendToGroup(group: string, text: string, reliable = true): void {
    if (reliable) this.say(`4:${group}:${text}`);
    else this.sayByUdp(`${this.id}:4:${group}:${text}`);
  }

  setGroup(group: string, ids: readonly number[]): void {
    this.say(`5:${group}:${ids.join(":")}`);
  }

  quit(): void {
    clearInterval(this.hello);
    this.udp?.close();
    this.udp = undefined;
    this.stream.destroy();
  }

  private say(line: string): void {
    this.stream.write(Buffer.from(`${line}\n`, "latin1"));
  }

  private sayByUdp(text: string): void {
    if (this.udpConnected) this.udp?.send(text, this.udpPort, "127.0.0.1");
  }

  private read(bytes: Buffer): void {
    const lines = (this.partial + bytes.toString("latin1")).split("\n");
    this.partial = lines.pop() ?? "";
    for (const line of lines) this.handle(line);
  }

  private handle(line: string): void {
    if (this.broken !== undefined) return;
    try {
      this.understand(line.split(":"));
    } catch (error) {
      this.broken = new Error(`at ${JSON.stringify(line)}: ${(error as Error).message}`);
    }
  }

  private understand(sections: string[]): void {
    const type = parseInt32(sections[0] ?? "");
    if (![0, 2, 3, 4].includes(type) || sections.length < (type === 0 || type === 4 ? 2 : 3)) return;
    const sender = parseInt32(sections[1] ?? "");
    // All behind a third colon is lost, a user name among it.
    const text = sections[2] ?? "";
    if (type === 0) this.loggedIn(sender);
    else if (type === 2) this.moved(sender, text);
    else if (!this.players.has(sender)) throw new Error(`no player ${sender}`);
    else if (type === 3) this.heard.push(`${sender}:${text}`);
    else this.master = sender;
  }

  private moved(sender: number, room: string): void {
    if (sender === this.id) {
      this.players.clear();
      if (room !== "") this.players.set(sender, room);
      return;
    }
    const mine = this.players.get(this.id);
    if (mine === undefined) throw new Error("not in a room oneself");
    if (room === mine) {
      if (this.players.has(sender)) throw new Error(`${sender} is there already`);
      this.players.set(sender, room);
    } else if (!this.players.delete(sender)) throw new Error(`${sender} was not there`);
  }

  /** Says hello until anything at all has come back. */
  private loggedIn(id: number): void {
    this.id = id;
    const udp = createSocket("udp4");
    this.udp = udp;
    const sayHello = (): void => void udp.send(`${id}:0:Hello`, this.udpPort, "127.0.0.1");
    this.hello = setInterval(sayHello, HELLO_MS);
    sayHello();
    udp.on("message", (bytes: Buffer) => {
      clearInterval(this.hello);
      this.udpConnected = true;
      const text = bytes.subarray(0, READ_BYTES).toString();
      if (text.startsWith("3:")) this.handle(text);
    });
  }
}

/** The Python test client: a line a send, and prints what each `recv` gives; its datagrams are those of the description. */
export class PythonClient {
  /** What was printed: the text of each read, which must be UTF-8 on its own. */
  printed = "";
  readonly datagrams: string[] = [];
  private readonly stream: Socket;
  private readonly udp = createSocket("udp4");
  private readonly udpPort: number;

  constructor(ports: { tcp: number; udp: number }) {
    this.udpPort = ports.udp;
    this.stream = connect({ port: ports.tcp, host: "127.0.0.1" });
    this.stream.on("data", (data) => {
      this.printed += new TextDecoder("utf-8", { fatal: true }).decode(data);
    });
    this.udp.on("message", (bytes: Buffer) => void this.datagrams.push(bytes.toString()));
  }

  get id(): string {
    return /^0:(\d+)/.exec(this.printed)?.[1] ?? "";
  }

  say(line: string): void {
    this.stream.write(`${line}\n`);
  }

  sayByUdp(text: string): void {
    this.udp.send(text, this.udpPort, "127.0.0.1");
  }

  quit(): void {
    this.udp.close();
    this.stream.destroy();
  }
}
