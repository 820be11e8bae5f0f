"""A LangChain chain as it is: passages are looked up, a prompt is filled, a model answers, and its answer is streamed.

Needs ``pip install langchain-core``; ``streamchat --process-query langchain_chain:process_query`` serves it.
"""

from langchain_core.language_models import ParrotFakeChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

HANDBOOK = ["Lunch is at noon.", "The office opens at eight.", "The printer is on the second floor."]

PROMPT = ChatPromptTemplate.from_messages(
    [("system", "{system_prompt}"), ("placeholder", "{history}"), ("human", "{message}\n\nHandbook:\n{passages}")]
)
# Put your chat model here. This one needs no network and repeats what it is asked.
CHAIN = PROMPT | ParrotFakeChatModel() | StrOutputParser()


def passages_for(message):
    """The lines that share a long word with the question; a real one would ask a vector store."""
    words = {word.strip("?.,").lower() for word in message.split() if len(word) > 4}
    return "\n".join(line for line in HANDBOOK if any(word in line.lower() for word in words))


def process_query(message, system_prompt, history, progress):
    """Each piece that the chain yields goes out at once."""
    progress("Looking into the handbook", 20)
    given = {"message": message, "system_prompt": system_prompt, "history": history}
    yield from CHAIN.stream(given | {"passages": passages_for(message)})
