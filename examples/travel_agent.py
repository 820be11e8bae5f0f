"""An async agent that uses tools side by side and asks its user before it acts.

``streamchat --process-query travel_agent:process_query`` serves it.
"""

import asyncio

FARES = {"train": 49, "bus": 19, "plane": 120}


async def look_up(how):
    """Stands for a call to somebody else's service."""
    await asyncio.sleep(0.05)
    return {"how": how, "euros": FARES[how]}


async def process_query(message, progress, tool_call, tool_result, ask):
    """Three look-ups, one question, and an answer that streams. A stop is noticed at every ``await``."""
    progress("Comparing fares", 20)
    calls = {how: tool_call("look_up", {"how": how}) for how in FARES}
    offers = await asyncio.gather(*map(look_up, FARES))
    for offer in offers:
        tool_result(calls[offer["how"]], "look_up", offer)
    cheapest = min(offers, key=lambda offer: offer["euros"])
    question = f"The {cheapest['how']} costs {cheapest['euros']} euros. Book it?"
    yield f"I have compared {len(offers)} ways to travel. "
    if await ask(question, schema={"type": "boolean"}):
        yield f"The {cheapest['how']} is booked."
    else:
        yield "Nothing was booked."
