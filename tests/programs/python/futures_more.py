#!/usr/bin/python3
"""Correct: waiting for some or all futures, callbacks, cancelling, and asyncio with threads of its own.

/* expect: none */
"""

import asyncio
import threading
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait

done, lock = [], threading.Lock()


def note(future):
    with lock:
        done.append(future.result())


with ThreadPoolExecutor(2) as pool:
    go = threading.Event()
    slow, fast = pool.submit(go.wait), pool.submit(pow, 2, 5)
    queued = [pool.submit(pow, 3, power) for power in range(4)]
    for future in queued:
        future.add_done_callback(note)
    finished = wait([slow, fast], return_when=FIRST_COMPLETED).done
    print(fast in finished, slow.done())
    late = pool.submit(go.wait)
    print(wait(queued).not_done)
    go.set()
    print(len(wait([slow, fast, late], timeout=60, return_when=FIRST_EXCEPTION).done))
print(sorted(done))

pool, block = ThreadPoolExecutor(1), threading.Event()
running, waiting = pool.submit(block.wait), pool.submit(print, "never")
print("cancelled", waiting.cancel())
block.set()
pool.shutdown(wait=True, cancel_futures=True)
try:
    waiting.result()
except CancelledError:
    print("so it is")


async def relay(source, target):
    while (item := await source.get()) is not None:
        await target.put(item + 1)
        source.task_done()
    await target.put(None)


async def talk():
    loop, queues = asyncio.get_running_loop(), [asyncio.Queue(2) for _ in range(3)]
    relays = [asyncio.create_task(relay(*pair)) for pair in zip(queues, queues[1:])]
    feeder = asyncio.create_task(feed(queues[0]))
    received = []
    while (item := await queues[-1].get()) is not None:
        received.append(item)
    await asyncio.gather(feeder, *relays)
    both = await asyncio.gather(asyncio.to_thread(sum, received), loop.run_in_executor(None, max, received))
    print(received, both)


async def feed(target):
    gate = asyncio.Lock()
    for number in range(5):
        async with gate:
            await target.put(number)
    await target.put(None)


asyncio.run(talk())
