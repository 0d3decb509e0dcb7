"""What a cell wants of the answer besides its text: an object, a table or a block of code, and the variable that gets it.

A cell that wants data fails if the answer does not fit. Its variable is then deleted, because an old value would look like the new one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from llm_notebook.answers.columns import add_unknown, columns_of, resolve, row_values
from llm_notebook.answers.fences import code_blocks
from llm_notebook.answers.fitting import Fitting, Misfit
from llm_notebook.answers.frames import frame_of, is_installed
from llm_notebook.answers.row_scanner import NoRows
from llm_notebook.answers.rows import RowReader
from llm_notebook.errors import AnswerMisfit
from llm_notebook.notebook.running.remarks import add_remark
from llm_notebook.tools.answers import json_in, parsed_answer
from llm_notebook.tools.schemas import VALUE
from llm_notebook.transcript.answer.tables import AnswerShape
from llm_notebook.transcript.view import TranscriptView

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.notebook.line.options import Arguments
    from llm_notebook.transcript.beside import Beside
    from llm_notebook.transcript.blocks import Block

__all__ = ["Form", "Wanted"]

Form = Literal["", "list", "pandas", "polars", "json"]
_LOOKS: Mapping[str, tuple[Literal["", "code", "text"], str]] = {
    "code": ("code", "python"),
    "json": ("code", "json"),
    "text": ("text", ""),
}


@dataclass(slots=True, eq=False)
class Wanted:
    """What one cell wants of the answer.

    Attributes:
        schema: the JSON Schema that is sent; None if any text will do.
        item: the JSON Schema of one row, if rows that fit a schema are wanted.
        source: the class or annotation that the schema was made of; None if it was none.
        out: the name of the variable; None if there is none.
        form: the form of the variable's value; empty for the one that suits the schema.
        shown_as: how the answer is shown; empty for the way that suits the schema.
        extract: "first" or "last" for the block of code that is taken from the answer; otherwise empty.
        is_response: whether the provider's JSON is wanted instead of the answer.
        new_cell: whether the first block of code is put into a new cell.
        retries: how often the model is told what does not fit, and asked again.
        value: the value for the variable; unset until the answer has come.
        has_value: whether `value` is set.
        ask_again: makes the chain that tells the model what does not fit; takes the last response and the text for the model.
        tries: how often that has been done.
    """

    schema: dict[str, Any] | None = None
    item: dict[str, Any] | None = None
    source: object = None
    out: str | None = None
    form: Form = ""
    shown_as: str = ""
    extract: str = ""
    is_response: bool = False
    new_cell: bool = False
    retries: int = 0
    value: object = None
    has_value: bool = False
    ask_again: Callable[[Any, str], ChainResponse] | None = None
    tries: int = 0

    @property
    def is_data(self) -> bool:
        """Whether the answer has to fit."""
        return self.schema is not None or bool(self.form)

    @property
    def is_rows(self) -> bool:
        """Whether the answer is a list of rows."""
        return self.item is not None or (self.schema is None and self.form in ("list", "pandas", "polars"))

    @property
    def source_to_send(self) -> Any:
        """The schema that is passed to the prompt."""
        return self.schema if self.item is not None or self.source is None else self.source

    def shape(self) -> AnswerShape:
        """Return how the answer is shown while it arrives."""
        if self.shown_as == "table" or (self.is_rows and not self.shown_as):
            return AnswerShape(self._reader)
        shown_as = self.shown_as or ("json" if self.is_data else "")
        return AnswerShape(None, *_LOOKS.get(shown_as, ("", "")))

    def view_of(
        self, chain: ChainResponse, arguments: Arguments, *, remarks: list[str], beside: Beside | None
    ) -> TranscriptView:
        """Return a view, which shows the answer in this form, of a chain that has not been read yet."""
        return TranscriptView(
            chain.prompt.model.model_id,
            show_usage=arguments.usage,
            hide_reasoning=arguments.hide_reasoning,
            show_calls=arguments.show_calls,
            sent=list(chain.prompt.enclosed),
            remarks=remarks,
            shape=self.shape(),
            beside=beside,
        )

    def attach(self, view: TranscriptView) -> None:
        """Let a view show its answer in this form, including the part that it shows already."""
        view.shape = shape = self.shape()
        for block in view.blocks:
            if block.kind == "text":
                block.table = shape.make_table() if shape.make_table is not None else None
                block.look, block.language = shape.look, shape.language
                if block.table is not None:
                    block.table.feed(block.text)
                block.version += 1

    def take(self, text: str, view: TranscriptView) -> None:
        """Read the finished answer, and say under it what it has become.

        Args:
            text: the text of the last answer of the turn.
            view: the turn.

        Raises:
            AnswerMisfit: it is not what is wanted. The part that fits is kept in the error.
        """
        self.has_value = False
        if not (self.extract or self.is_data or self.shown_as == "table"):
            return
        block = _last_text(view)
        if block is not None and block.text.endswith(text) and not _is_json(text):
            # The answer was cut off before, and this is the rest of it.
            text = block.text
        if self.extract and block is not None:
            self._take_code(text, block, view)
        if not self.is_data:
            if self.shown_as == "table" and block is not None and block.table is not None:
                self._close_shown(block)
            return
        try:
            if self.is_rows:
                self._take_rows(text, block)
            else:
                self._take_object(text, block)
        except AnswerMisfit:
            if block is not None:
                block.is_folded = block.table is not None and block.table.has_begun
                block.version += 1
                view.touch(block)
            raise
        self.has_value = True
        if block is not None:
            view.touch(block)

    def take_response(self, response: Any, view: TranscriptView) -> None:
        """Take the provider's JSON of a response instead of the answer, if that is wanted."""
        if not self.is_response:
            return
        block = _last_text(view)
        self.value, self.has_value = response.json() or response.to_dict(), True
        if block is not None:
            written = json.dumps(self.value, indent=2, ensure_ascii=False, default=repr)
            _show_excerpt(block, written, "json", view, is_folded=True)

    def _reader(self) -> RowReader:
        return RowReader(self.item, self.source if self.item is not None else None)

    def _take_code(self, text: str, block: Block, view: TranscriptView) -> None:
        blocks = code_blocks(text)
        if not blocks:
            held = f", so `{self.out}` is all of it" if self.out is not None else ""
            add_remark(view, f"The answer has no block of code{held}.")
            return
        found = blocks[0 if self.extract == "first" else -1]
        self.value, self.has_value = found.code, True
        is_more = found.code.strip() != _without_fence(text)
        _show_excerpt(block, found.code, found.language, view, is_folded=is_more)

    def _take_rows(self, text: str, block: Block | None) -> None:
        reader = block.table if block is not None else None
        if reader is None or block is None or block.text != text:
            reader = self._reader()
            reader.feed(text)
        try:
            reader.close(text)
        except NoRows as error:
            count = len(reader.rows)
            kept = f" {_before(count, 'that came')} kept on the error." if count else ""
            raise self._misfit(
                f"The answer is not a list of rows: {error}.", kept, text, reader.objects, None
            ) from None
        if reader.wrong is not None:
            wrong = reader.wrong
            kept = "" if wrong.number == 0 else f" {_before(wrong.number)} kept on the error."
            said = f"Row {wrong.number} does not fit the schema: {wrong.misfit.sentence}."
            raise self._misfit(said, kept, text, reader.objects, wrong.misfit, row=wrong.number)
        self.value = self._rows_as(reader)
        if block is not None:
            if block.table is not None:
                block.table = reader
            block.said = self._said_of_rows(reader)
            block.version += 1

    def _take_object(self, text: str, block: Block | None) -> None:
        value, plain = self._object(text)
        self.value = self._object_as(value, plain)
        if block is None:
            return
        if block.look == "code" and block.language == "json":
            block.excerpt = json.dumps(plain, indent=2, ensure_ascii=False)
            block.is_folded = not _is_json(text)
        block.version += 1

    def _object(self, text: str) -> tuple[object, object]:
        """Return (the value of an answer, as an object of the class if one was asked for; the same as JSON values)."""
        piece = next(json_in(text), None)
        plain = json.loads(piece) if piece is not None else None
        if self.source is not None:
            try:
                value = parsed_answer(text, self.source)
            except ValueError:
                pass
            else:
                return value, plain if piece is not None else text.strip()
        if piece is None:
            raise self._misfit("The answer does not fit the schema: it is not JSON.", "", text, [], None)
        value, misfit = Fitting(self.schema or {}, self.source).check(plain)
        if misfit is not None:
            said = f"The answer does not fit the schema: {misfit.sentence}."
            raise self._misfit(said, " What it is otherwise is kept on the error.", text, plain, misfit)
        return value, plain

    def _misfit(
        self, said: str, kept: str, text: str, parsed: object, misfit: Misfit | None, *, row: int | None = None
    ) -> AnswerMisfit:
        unset = f" `{self.out}` is not set." if self.out is not None else ""
        fault = misfit.sentence if misfit is not None else said.removesuffix(".")
        return AnswerMisfit(f"{said}{unset}{kept}", fault=fault, text=text, parsed=parsed, row=row)

    def _rows_as(self, reader: RowReader) -> object:
        form = self._form_of_rows
        if form == "json":
            return json.dumps(reader.frame_rows(), ensure_ascii=False)
        if form == "list":
            return list(reader.objects)
        return frame_of(form, reader.frame_rows(), reader.columns)

    @property
    def _form_of_rows(self) -> Literal["list", "pandas", "polars", "json"]:
        return self.form or ("pandas" if is_installed("pandas") else "list")

    def _said_of_rows(self, reader: RowReader) -> str:
        count, columns = len(reader.rows), reader.columns
        missing = sum(row_values(row).get(column.name) is None for row in reader.rows for column in columns)
        size = f"{_rows(count)} \u00d7 {_counted(len(columns), 'column')}" if columns else _rows(count)
        lacks = f"; {_counted(missing, 'value')} {'is' if missing == 1 else 'are'} missing" if missing else ""
        if self.out is None:
            return f"{size}{lacks}."
        form = self._form_of_rows
        if form in ("pandas", "polars"):
            kind = "DataFrame" if form == "pandas" else "polars DataFrame"
            return f"`{self.out}` is a {kind} of {size}{lacks}."
        if form == "json":
            return f"`{self.out}` is JSON text of {size}{lacks}."
        hint = "" if self.form else " For a DataFrame: `%pip install pandas`."
        return f"`{self.out}` is a list of {_rows(count)}{lacks}.{hint}"

    def _object_as(self, value: object, plain: object) -> object:
        if self.form == "json":
            return json.dumps(plain, ensure_ascii=False)
        if self.form == "":
            return value
        if self.form == "list":
            return value if isinstance(value, list) else [value]
        inner = plain[VALUE] if isinstance(plain, dict) and list(plain) == [VALUE] else plain
        rows = inner if isinstance(inner, list) else [inner]
        schema = self.schema or {}
        if isinstance(inner, list):
            described = schema.get("properties", {}).get(VALUE, schema)
            schema = {**schema, **resolve(resolve(described, schema).get("items", {}), schema)}
        columns = columns_of(schema)
        for row in rows:
            add_unknown(columns, row)
        return frame_of(self.form, rows, columns)

    def _close_shown(self, block: Block) -> None:
        """End a table that is only shown. An answer that is not a table is shown as text."""
        reader = cast("RowReader", block.table)
        try:
            reader.close(block.text)
        except NoRows:
            block.table = None
        else:
            block.said = Wanted()._said_of_rows(reader)
        block.version += 1


def _show_excerpt(block: Block, text: str, language: str, view: TranscriptView, *, is_folded: bool) -> None:
    """Show code in place of the answer. If there is more in the answer, it is folded away."""
    block.table, block.look, block.language = None, "code", language
    block.excerpt, block.is_folded = text, is_folded
    block.version += 1
    view.touch(block)


def _without_fence(text: str) -> str:
    lines = text.strip().split("\n")
    return "\n".join(lines[1:-1]).strip() if len(lines) > 2 else ""


def _last_text(view: TranscriptView) -> Block | None:
    return next((block for block in reversed(view.blocks) if block.kind == "text" and block.text.strip()), None)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _rows(count: int) -> str:
    return _counted(count, "row")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _before(count: int, where: str = "before it") -> str:
    return f"The row {where} is" if count == 1 else f"The {count:,} rows {where} are"
