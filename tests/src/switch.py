"""A switch between network interfaces that delays what it passes on, and loses some of it.

    switch.py SECONDS LOSS INTERFACE...

Every frame that comes in at one interface goes out at all others SECONDS later, unless it is lost, which
it is with the probability LOSS. For kernels without netem.
"""

import heapq
import random
import select
import socket
import sys
import time

delay, loss = float(sys.argv[1]), float(sys.argv[2])
ports = []
for interface in sys.argv[3:]:
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    port.bind((interface, 0))
    port.setblocking(False)
    ports.append(port)
waiting, number = [], 0
print("ready", flush=True)
while True:
    pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
    readable, _, _ = select.select(ports, [], [], pause)
    for port in readable:
        while True:
            try:
                frame, address = port.recvfrom(65536)
            except BlockingIOError:
                break
            except OSError:
                continue  # The interface is down.
            # What this switch sent itself comes back too.
            if address[2] == socket.PACKET_OUTGOING or random.random() < loss:
                continue
            number += 1
            heapq.heappush(waiting, (time.monotonic() + delay, number, port.fileno(), frame))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, source, frame = heapq.heappop(waiting)
        for port in ports:
            if port.fileno() != source:
                try:
                    port.send(frame)
                except OSError:
                    pass  # The interface is down, or its queue full: the frame is lost.
