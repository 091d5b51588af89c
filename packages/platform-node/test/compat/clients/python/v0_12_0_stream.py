"""
One WebSocket per session with many calls on it. Every 20 seconds it sends a ping and drops a connection that does not
answer; a lost connection is made anew, first after half a second and then ever later; nothing is sent again.
"""
import asyncio
import inspect
import json
import queue
import random
import threading
import uuid

import websockets

LOST = object()


class StreamFailed(Exception):
    pass


class Call:
    def __init__(self):
        self.invocation_id, self.frames = uuid.uuid4().hex, queue.Queue()

    def events(self, patience):
        """The data of each frame, up to the end; a frame that is none of the protocol fails the call."""
        while True:
            try:
                data = self.frames.get(timeout=patience)
            except queue.Empty:
                raise StreamFailed(f"no end after {patience} s") from None
            if data is LOST:
                raise StreamFailed("connection closed")
            data = json.loads(data) if isinstance(data, str) else data
            if isinstance(data.get("error"), str) and data["error"]:
                raise StreamFailed(json.dumps(data))
            if data.get("phase") not in ("event", "end"):
                raise StreamFailed(f"unknown phase: {data}")
            yield data
            if data["phase"] == "end":
                return


class Stream:
    def __init__(self, url, token, heartbeat=20):
        self.url, self.token, self.heartbeat = url, token, heartbeat
        self.calls, self.states, self.socket, self.closing = {}, [], None, False
        self.opened, self.refused = threading.Event(), None
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self.run(), self.loop)
        self.opened.wait(30)
        if self.refused:
            raise StreamFailed(self.refused)

    def connect(self):
        named = inspect.signature(websockets.connect.__init__).parameters
        headers = "additional_headers" if "additional_headers" in named else "extra_headers"
        given = {headers: {"X-Access-Token": self.token}}
        return websockets.connect(
            self.url, open_timeout=30, ping_interval=self.heartbeat, ping_timeout=20, max_size=None, **given
        )

    async def run(self):
        pause = 0.5
        while not self.closing:
            self.states.append("RECONNECTING")
            try:
                self.socket = await self.connect()
            except Exception as error:
                self.refused = f"WS connection rejected: {error}; url={self.url}"
                if not self.opened.is_set():
                    self.opened.set()
                    return
            else:
                pause = 0.5
                self.states.append("OPEN")
                self.opened.set()
                await self.receive()
                self.states.append("CLOSED")
            if not self.closing:
                await asyncio.sleep(pause + random.random() * 0.1)
                pause = min(pause * 1.5, 5)

    async def receive(self):
        try:
            async for text in self.socket:
                self.dispatch(text)
        except websockets.ConnectionClosed:
            pass
        lost, self.calls = self.calls, {}
        for call in lost.values():
            call.frames.put(LOST)

    def dispatch(self, text):
        try:
            frame = json.loads(text)
        except ValueError:
            return
        call = self.calls.get(frame.get("invocationId") or frame.get("requestId")) if isinstance(frame, dict) else None
        if call is not None:
            call.frames.put(frame["data"])

    def call(self, target, data):
        call = Call()
        self.calls[call.invocation_id] = call
        frame = {"invocationId": call.invocation_id, "source": "SDK", "target": target, "data": data}
        self.do(self.socket.send(json.dumps(frame)))
        return call

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def ping(self):
        """A ping of our own, answered by a pong."""

        async def answered():
            await asyncio.wait_for(await self.socket.ping(), 10)

        self.do(answered())

    def lose(self):
        """What a network does that goes away: no farewell."""
        self.loop.call_soon_threadsafe(self.socket.transport.abort)

    def close(self):
        self.closing = True
        if self.socket is not None:
            self.do(self.socket.close())
