"""Raw answers and the ledger of what was asked: the record everything else is a function of.

Here belong where answers lie (`store`), how they are written and read back (`lines`), what became of each scope of
each day (`ledger`), what a day can still give (`days`), and the loop that asks (`fetch`). Rows are made in
`catalogue.parse`; tables are `warehouse`.
"""
