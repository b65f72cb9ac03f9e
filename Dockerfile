# The server of all four protocols. Build it from the root of the repository: docker build -t wireyard .
FROM node:24-slim AS build
WORKDIR /src
RUN npm install --global pnpm@12.21.0
COPY . .
RUN pnpm install --frozen-lockfile \
 && pnpm run build \
 && pnpm --filter wireyard deploy --prod --legacy /app

FROM node:24-slim
COPY --from=build /app /app
# Accounts in SQLite, the hash of the admin token and the key of JSON packets are written here, unless the configuration
# says otherwise.
WORKDIR /data
# For what several nodes share, such as the key of JSON packets.
RUN mkdir /keys && chown node:node /data /keys
USER node
ENV NODE_ENV=production WIREYARD_HOST=0.0.0.0
EXPOSE 3290/tcp 3290/udp 3291 23456 25565 8080
# By the exec form the server is process 1 and gets SIGTERM itself.
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
