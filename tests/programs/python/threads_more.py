#!/usr/bin/python3
"""Correct: subclasses, daemons, names, semaphores, re-entrant conditions, thread-local data and broken barriers.

/* expect: none */
"""

import threading


class Adder(threading.Thread):
    def __init__(self, numbers):
        super().__init__(name=f"adder of {len(numbers)}", daemon=False)
        self.numbers = numbers
        self.sum = None

    def run(self):
        self.sum = sum(self.numbers)


class Gate:
    """Lets through as many as it has places, and counts the most that were inside at once."""

    def __init__(self, places):
        self.places = threading.Semaphore(places)
        self.lock = threading.RLock()
        self.inside = self.most = 0

    def pass_through(self):
        with self.places:
            with self.lock:
                self.inside += 1
                with self.lock:
                    self.most = max(self.most, self.inside)
            with self.lock:
                self.inside -= 1


def run_all(threads):
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


adders = [Adder(range(count)) for count in (10, 20, 30)]
run_all(adders)
print([(adder.name, adder.sum, adder.is_alive()) for adder in adders])

gate = Gate(2)
run_all([threading.Thread(target=gate.pass_through) for _ in range(6)])
print("at most two:", gate.most <= 2, gate.inside)

bounded = threading.BoundedSemaphore(1)
try:
    bounded.release()
except ValueError as error:
    print(error)

turns, again = [], threading.Condition(threading.RLock())


def take_turns(number):
    for step in range(3):
        with again:
            with again:
                again.wait_for(lambda: len(turns) == step * 2 + number)
                turns.append(number)
                again.notify_all()


run_all([threading.Thread(target=take_turns, args=(number,)) for number in range(2)])
print(turns)

barrier = threading.Barrier(2, action=lambda: print("both"))
run_all([threading.Thread(target=barrier.wait) for _ in range(2)])
try:
    barrier.wait(timeout=0.01)
except threading.BrokenBarrierError:
    print("broken", barrier.broken)

handed = threading.Lock()
handed.acquire()
giver = threading.Thread(target=handed.release)
giver.start()
print("handed over", handed.acquire(timeout=10))
giver.join()

timer = threading.Timer(60, print)
timer.start()
timer.cancel()
timer.join()
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(threading.active_count(), threading.main_thread() is threading.current_thread())
