// A WebSocket backend: node websocket_echo.cjs PORT. Greets each caller by the user that the gateway names, then echoes.
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]) });
server.on("listening", () => console.log("ready"));
server.on("connection", (socket, request) => {
  console.log(`connection ${request.url} authorization=${request.headers.authorization ?? "none"}`);
  socket.send(`welcome ${request.headers["x-auth-request-user"] ?? "stranger"}`);
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("close", (code) => console.log(`closed ${code}`));
});
