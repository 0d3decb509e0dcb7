"""Templates and fragments: stored prompts, and texts that are placed before prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.public_names import load_lazily

if TYPE_CHECKING or not load_lazily(globals()):
    from llm_notebook.templates.fragments import Fragment as Fragment
    from llm_notebook.templates.fragments import FragmentLoader as FragmentLoader
    from llm_notebook.templates.template import AttachmentType as AttachmentType
    from llm_notebook.templates.template import Template as Template
    from llm_notebook.templates.template import TemplateLoader as TemplateLoader
    from llm_notebook.templates.template import list_templates as list_templates
    from llm_notebook.templates.template import load_template as load_template
    from llm_notebook.templates.template import save_template as save_template
