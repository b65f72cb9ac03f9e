// Rooms on `ws`, as its documentation does it: the first message names the room, every further one goes to all in it.
import { type WebSocket, WebSocketServer } from "ws";

const rooms = new Map<string, Set<WebSocket>>();
const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => {
  console.log(`ready ${(server.address() as { port: number }).port}`);
});

server.on("connection", (socket) => {
  let room: Set<WebSocket> | undefined;
  socket.on("message", (data, isBinary) => {
    if (room === undefined) {
      const name = String(data);
      room = rooms.get(name) ?? new Set();
      rooms.set(name, room.add(socket));
      socket.send("joined");
      return;
    }
    for (const member of room) member.send(data, { binary: isBinary });
  });
  socket.on("close", () => room?.delete(socket));
});
