// Rooms on socket.io, over WebSocket alone, and an acknowledged `ping`.
//
//   node socket-io.ts                               one node
//   node socket-io.ts redis-adapter URL             a node of several, by way of the Redis at URL
//   node socket-io.ts redis-streams-adapter URL     the same with Redis streams
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { Server, type ServerOptions } from "socket.io";

const http = createServer();
// No heartbeat within a run: the load generator does not answer it.
const options = { transports: ["websocket"], pingInterval: 3_600_000 } satisfies Partial<ServerOptions>;
const io = new Server(http, { ...options, ...(await adapterOf(process.argv[2], process.argv[3])) });

io.on("connection", (socket) => {
  let room = "";
  socket.on("join", (name: string, done: () => void) => {
    room = name;
    socket.join(name);
    done();
  });
  socket.on("message", (text: string) => io.to(room).emit("message", text));
  socket.on("ping", (done: () => void) => done());
});
http.listen(0, "127.0.0.1", () => console.log(`ready ${(http.address() as { port: number }).port}`));

/** As the adapters' documentation has them, with every option at its default. */
async function adapterOf(name = "", url = ""): Promise<Pick<ServerOptions, "adapter"> | undefined> {
  if (name === "") return undefined;
  const client = new Redis(url);
  await client.ping();
  if (name === "redis-streams-adapter") return { adapter: createStreamsAdapter(client) };
  const subscriber = client.duplicate();
  await subscriber.ping();
  return { adapter: createAdapter(client, subscriber) };
}
