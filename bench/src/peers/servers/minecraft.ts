// The status state of minecraft-protocol, answering pings. Its own handler closes after the first, so this one is ours;
// reading and writing packets is the package's.
import minecraft from "minecraft-protocol";

// What its types leave out.
type PacketServer = minecraft.Server & {
  listen(port: number, host: string): void;
  socketServer: { address(): { port: number } };
};
const server = new minecraft.Server("1.20.1") as PacketServer;

server.on("connection", (client: minecraft.Client) => {
  client.on("set_protocol", () => {
    client.state = minecraft.states.STATUS;
  });
  client.on("ping", ({ time }) => client.write("ping", { time }));
  // A client that goes away is no failure of the server.
  client.on("error", () => client.end(""));
});
server.on("listening", () => console.log(`ready ${server.socketServer.address().port}`));
server.listen(0, "127.0.0.1");
