{#-
  Days and business time. Business time is counted in seconds from Monday 2001-01-01 on a clock that stands still from
  Saturday 00:00 to Monday 00:00 UTC, so that a promise of business days is one addition.
-#}

{% macro add_days(day, days) %}{{ return(adapter.dispatch('add_days')(day, days)) }}{% endmacro %}
{% macro default__add_days(day, days) %}{{ return('(' ~ day ~ ' + cast(' ~ days ~ ' as integer))') }}{% endmacro %}
{% macro redshift__add_days(day, days) %}{{ return('cast(dateadd(day, cast(' ~ days ~ ' as integer), ' ~ day ~ ') as date)') }}{% endmacro %}

{#- Whole days from one date to another. -#}
{% macro days_between(first, second) %}{{ return(adapter.dispatch('days_between')(first, second)) }}{% endmacro %}
{% macro default__days_between(first, second) %}{{ return('cast(' ~ second ~ ' - ' ~ first ~ ' as bigint)') }}{% endmacro %}
{% macro redshift__days_between(first, second) %}{{ return('cast(datediff(day, ' ~ first ~ ', ' ~ second ~ ') as bigint)') }}{% endmacro %}

{#- Whole seconds from one moment to another. -#}
{% macro seconds_between(first, second) %}{{ return(adapter.dispatch('seconds_between')(first, second)) }}{% endmacro %}
{% macro default__seconds_between(first, second) %}{{ return('cast(floor(extract(epoch from (' ~ second ~ ' - ' ~ first ~ '))) as bigint)') }}{% endmacro %}
{% macro duckdb__seconds_between(first, second) %}{{ return("date_diff('second', " ~ first ~ ', ' ~ second ~ ')') }}{% endmacro %}
{% macro redshift__seconds_between(first, second) %}{{ return('datediff(second, ' ~ first ~ ', ' ~ second ~ ')') }}{% endmacro %}

{% macro add_seconds(moment, seconds) %}{{ return(adapter.dispatch('add_seconds')(moment, seconds)) }}{% endmacro %}
{% macro default__add_seconds(moment, seconds) %}{{ return('(' ~ moment ~ ' + (' ~ seconds ~ ") * interval '1 second')") }}{% endmacro %}
{% macro redshift__add_seconds(moment, seconds) %}{{ return('dateadd(second, cast(' ~ seconds ~ ' as integer), ' ~ moment ~ ')') }}{% endmacro %}

{#- Whole part of a quotient of integers that are not negative. -#}
{% macro whole_quotient(value, by) %}{{ return(adapter.dispatch('whole_quotient')(value, by)) }}{% endmacro %}
{% macro default__whole_quotient(value, by) %}{{ return('((' ~ value ~ ') / ' ~ by ~ ')') }}{% endmacro %}
{% macro duckdb__whole_quotient(value, by) %}{{ return('((' ~ value ~ ') // ' ~ by ~ ')') }}{% endmacro %}

{% macro business_epoch() %}{{ return("timestamp '2001-01-01 00:00:00'") }}{% endmacro %}

{#- A moment on the business clock: 432,000 of a week's 604,800 seconds count. -#}
{% macro business_seconds(moment) %}
{%- set seconds = seconds_between(business_epoch(), moment) -%}
{{ return('(' ~ whole_quotient(seconds, 604800) ~ ' * 432000 + case when mod(' ~ seconds ~ ', 604800) < 432000 then mod('
  ~ seconds ~ ', 604800) else 432000 end)') }}
{% endmacro %}

{#- The moment at which the business clock shows this; the end of a Friday is the beginning of the Monday. -#}
{% macro business_moment(seconds) %}
{{ return(add_seconds(business_epoch(), whole_quotient(seconds, 432000) ~ ' * 604800 + mod(' ~ seconds ~ ', 432000)')) }}
{% endmacro %}

{#- The moment this many business days after another one. -#}
{% macro business_due(moment, days) %}
{{ return(business_moment(business_seconds(moment) ~ ' + ' ~ (days * 86400))) }}
{% endmacro %}

{#- The promise: business days until somebody who is not the author answers. -#}
{% macro response_days() %}{{ return(env_var('OSS_DATASTORE_RESPONSE_DAYS', '2') | int) }}{% endmacro %}

{#- Days to fix an alert of this severity (a column), from the setting: critical, high, medium, low. -#}
{% macro sla_days(severity) %}
{%- set days = env_var('OSS_DATASTORE_SLA_DAYS', '14,30,60,90').split(',') -%}
{{ return('case ' ~ severity ~ " when 'critical' then " ~ (days[0] | int) ~ " when 'high' then " ~ (days[1] | int)
  ~ " when 'medium' then " ~ (days[2] | int) ~ " when 'low' then " ~ (days[3] | int) ~ ' end') }}
{% endmacro %}

{#- Texts of a group as one text, in their order. -#}
{% macro text_list(value) %}{{ return(adapter.dispatch('text_list')(value)) }}{% endmacro %}
{% macro default__text_list(value) %}{{ return('string_agg(' ~ value ~ ", ', ' order by " ~ vault_byte_order(value) ~ ')') }}{% endmacro %}
{% macro redshift__text_list(value) %}{{ return('listagg(' ~ value ~ ", ', ') within group (order by " ~ value ~ ')') }}{% endmacro %}
