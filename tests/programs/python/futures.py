"""futures.py: pools of threads and of processes of concurrent.futures.

/* expect: none */
"""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed


def square(number):
    if number == 7:
        raise ValueError("seven")
    return number * number


def run(pool):
    futures = [pool.submit(square, number) for number in range(20)]
    results = []
    for future in as_completed(futures):
        try:
            results.append(future.result())
        except ValueError as error:
            results.append(-len(str(error)))
    return sorted(results), list(pool.map(square, range(5)))


if __name__ == "__main__":
    with ThreadPoolExecutor(4) as threads:
        print("threads", *run(threads))
    with ProcessPoolExecutor(2) as processes:
        print("processes", *run(processes))
