{#-
  What the engines spell differently: hashes, types, orders. Everything else in this project is one SQL text.
  dbt looks a Redshift macro up under postgres__ before default__, so Redshift always has its own entry.
-#}

{#- md5 of a text as a vault key: uuid where there is such a type (16 bytes, compared without a locale), else hex. -#}
{% macro vault_hash(text) %}{{ return(adapter.dispatch('vault_hash')(text)) }}{% endmacro %}
{% macro default__vault_hash(text) %}{{ return('cast(md5(' ~ text ~ ') as uuid)') }}{% endmacro %}
{% macro redshift__vault_hash(text) %}{{ return('cast(md5(' ~ text ~ ') as char(32))') }}{% endmacro %}

{#- A vault key as 32 lower-case hex digits. -#}
{% macro vault_hash_hex(key) %}{{ return(adapter.dispatch('vault_hash_hex')(key)) }}{% endmacro %}
{% macro default__vault_hash_hex(key) %}{{ return("replace(cast(" ~ key ~ " as varchar), '-', '')") }}{% endmacro %}
{% macro redshift__vault_hash_hex(key) %}{{ return(key) }}{% endmacro %}

{#- 15 hex digits as a number of 60 bits. -#}
{% macro vault_hex_number(digits) %}{{ return(adapter.dispatch('vault_hex_number')(digits)) }}{% endmacro %}
{% macro default__vault_hex_number(digits) %}{{ return("cast('0x' || " ~ digits ~ ' as bigint)') }}{% endmacro %}
{% macro postgres__vault_hex_number(digits) %}{{ return("cast(cast('x' || " ~ digits ~ ' as bit(60)) as bigint)') }}{% endmacro %}
{% macro redshift__vault_hex_number(digits) %}{{ return('strtol(' ~ digits ~ ', 16)') }}{% endmacro %}

{#- Order of a text by its bytes: PostgreSQL would follow the locale of the database. -#}
{% macro vault_byte_order(text) %}{{ return(adapter.dispatch('vault_byte_order')(text)) }}{% endmacro %}
{% macro default__vault_byte_order(text) %}{{ return(text) }}{% endmacro %}
{% macro postgres__vault_byte_order(text) %}{{ return(text ~ ' collate "C"') }}{% endmacro %}
{% macro redshift__vault_byte_order(text) %}{{ return(text) }}{% endmacro %}
