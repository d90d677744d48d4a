"""threads.py: threads, locks, conditions, events, semaphores, barriers and timers of Python's threading module.

/* expect: none */
"""

import threading

lock = threading.Lock()
again = threading.RLock()
condition = threading.Condition()
event = threading.Event()
places = threading.BoundedSemaphore(2)
barrier = threading.Barrier(4)
local = threading.local()
counts = {"plain": 0, "again": 0, "inside": 0, "timer": 0}
is_ready = False


def work(number):
    local.number = number
    barrier.wait()
    event.wait()
    for _ in range(200):
        with lock:
            counts["plain"] += 1
        with again:
            with again:
                counts["again"] += 1
    with places:
        with lock:
            counts["inside"] += local.number
    with condition:
        condition.wait_for(lambda: is_ready)


def tick():
    with lock:
        counts["timer"] += 1


threads = [threading.Thread(target=work, args=(number,), name=f"worker {number}") for number in range(4)]
for thread in threads:
    thread.start()
timer = threading.Timer(0.01, tick)
timer.start()
event.set()
with condition:
    is_ready = True
    condition.notify_all()
for thread in threads + [timer]:
    thread.join()
print(counts, lock.acquire(timeout=1), lock.acquire(blocking=False), lock.acquire(timeout=0.01))
lock.release()
threading.Thread(target=event.wait, args=(60,), daemon=True).start()
