"""What a user holds: models, their responses, chains and conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.public_names import load_lazily

if TYPE_CHECKING or not load_lazily(globals()):
    from llm_notebook.models.chain_responses import AsyncChainResponse as AsyncChainResponse
    from llm_notebook.models.chain_responses import ChainResponse as ChainResponse
    from llm_notebook.models.conversations import AsyncConversation as AsyncConversation
    from llm_notebook.models.conversations import Conversation as Conversation
    from llm_notebook.models.embeddings import EmbeddingModel as EmbeddingModel
    from llm_notebook.models.model import AsyncKeyModel as AsyncKeyModel
    from llm_notebook.models.model import AsyncModel as AsyncModel
    from llm_notebook.models.model import KeyModel as KeyModel
    from llm_notebook.models.model import Model as Model
    from llm_notebook.models.model import ModelWithAliases as ModelWithAliases
    from llm_notebook.models.options import Options as Options
    from llm_notebook.models.pauses import PauseChain as PauseChain
    from llm_notebook.models.responses import AsyncResponse as AsyncResponse
    from llm_notebook.models.responses import Response as Response
    from llm_notebook.turns.prompt import Prompt as Prompt
