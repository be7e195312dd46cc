"""The exports of other tools: recognise one by its header, and map its rows to rows of an import."""
