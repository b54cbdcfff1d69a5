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

{#- A vault key as text in groups of 8, 4, 4, 4 and 12 digits, as a uuid is written. -#}
{% macro vault_hash_text(key) %}{{ return(adapter.dispatch('vault_hash_text')(key)) }}{% endmacro %}
{% macro default__vault_hash_text(key) %}{{ return('cast(' ~ key ~ ' as varchar(512))') }}{% endmacro %}
{% macro redshift__vault_hash_text(key) %}
  {%- set groups = [] -%}
  {%- for start, length in [(1, 8), (9, 4), (13, 4), (17, 4), (21, 12)] -%}
    {%- do groups.append('substring(' ~ key ~ ', ' ~ start ~ ', ' ~ length ~ ')') -%}
  {%- endfor -%}
  {{ return(groups | join(" || '-' || ")) }}
{% endmacro %}

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

{#-
  Quotient with six places. Of decimal(38,6) by bigint Redshift keeps six places, too, and does not say whether it cuts or
  rounds the last; a floating point number it rounds.
-#}
{% macro ratio(part, whole) %}{{ return(adapter.dispatch('ratio')(part, whole)) }}{% endmacro %}
{% macro default__ratio(part, whole) %}
  {{- return('cast(cast(' ~ part ~ ' as decimal(38,6)) / ' ~ whole ~ ' as decimal(38,6))') -}}
{% endmacro %}
{% macro redshift__ratio(part, whole) %}
  {{- return('cast(cast(' ~ part ~ ' as double precision) / ' ~ whole ~ ' as decimal(38,6))') -}}
{% endmacro %}
