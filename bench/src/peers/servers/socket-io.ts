// Rooms on socket.io, over WebSocket alone, and an acknowledged `ping`.
import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
// No heartbeat within a run: the load generator does not answer it.
const io = new Server(http, { transports: ["websocket"], pingInterval: 3_600_000 });

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
