"""The script that one writes oneself: takes the messages, adds the time of receipt, writes JSON. `python3 ten-lines.py <url> <file>`"""
import asyncio, json, sys, time
import websockets


async def record(url, path):
    with open(path, "a") as file:
        async with websockets.connect(url, max_size=None) as socket:
            async for message in socket:
                file.write(json.dumps({"recv_us": time.time_ns() // 1000, **json.loads(message)}) + "\n")


asyncio.run(record(*sys.argv[1:]))
