{#-
  The metrics that are compared between periods, in one place: metric_catalogue says what they mean, metric_period adds them
  up. over_time: sum (add the days) or last (the state at the end). All of them may be added over repositories. known: when
  the column is the whole day's, where it may hold less (a day seen at the edge of a window only).
-#}
{% macro metric_list() %}
{{ return([
  {'name': 'stargazers_net', 'mart': 'repo_popularity_daily', 'day': 'day', 'value': 'stargazers_net', 'over_time': 'sum', 'unit': 'stars',
   'definition': 'Stars gained less stars lost, from our own daily counts.'},
  {'name': 'stargazers_count', 'mart': 'repo_popularity_daily', 'day': 'day', 'value': 'stargazers_count', 'over_time': 'last', 'unit': 'stars',
   'definition': 'Stars at the end.'},
  {'name': 'forks_net', 'mart': 'repo_popularity_daily', 'day': 'day', 'value': 'forks_net', 'over_time': 'sum', 'unit': 'forks',
   'definition': 'Forks made less forks deleted, from our own daily counts.'},
  {'name': 'views_count', 'mart': 'repo_traffic_daily', 'day': 'traffic_date', 'value': 'views_count', 'over_time': 'sum', 'unit': 'page views',
   'known': "views_data_state = 'complete'",
   'definition': 'Page views as GitHub counts them. Unique visitors do not add up and are not compared.'},
  {'name': 'clones_count', 'mart': 'repo_traffic_daily', 'day': 'traffic_date', 'value': 'clones_count', 'over_time': 'sum', 'unit': 'clones',
   'known': "clones_data_state = 'complete'",
   'definition': 'Clones, those of machines included.'},
  {'name': 'issues_opened', 'mart': 'issue_metrics_daily', 'day': 'day', 'value': 'opened', 'over_time': 'sum', 'unit': 'issues',
   'definition': 'Issues opened.'},
  {'name': 'issues_closed', 'mart': 'issue_metrics_daily', 'day': 'day', 'value': 'closed', 'over_time': 'sum', 'unit': 'issues',
   'definition': 'Issues closed, for whatever reason.'},
  {'name': 'issues_open', 'mart': 'issue_metrics_daily', 'day': 'day', 'value': 'open_at_close', 'over_time': 'last', 'unit': 'issues',
   'definition': 'Issues open at the end.'},
  {'name': 'issue_answers_due', 'mart': 'issue_metrics_daily', 'day': 'day', 'value': 'due', 'over_time': 'sum', 'unit': 'issues',
   'definition': 'Issues whose promised answer fell due.'},
  {'name': 'issue_answers_in_time', 'mart': 'issue_metrics_daily', 'day': 'day', 'value': 'due_met', 'over_time': 'sum', 'unit': 'issues',
   'definition': 'Those of them that were answered by then.'},
  {'name': 'pull_requests_opened', 'mart': 'pull_request_metrics_daily', 'day': 'day', 'value': 'opened', 'over_time': 'sum', 'unit': 'pull requests',
   'definition': 'Pull requests opened.'},
  {'name': 'pull_requests_opened_by_community', 'mart': 'pull_request_metrics_daily', 'day': 'day', 'value': 'opened_by_community', 'over_time': 'sum',
   'unit': 'pull requests', 'definition': 'Pull requests opened by people from outside.'},
  {'name': 'pull_requests_merged', 'mart': 'pull_request_metrics_daily', 'day': 'day', 'value': 'merged', 'over_time': 'sum', 'unit': 'pull requests',
   'definition': 'Pull requests merged.'},
  {'name': 'pull_requests_open', 'mart': 'pull_request_metrics_daily', 'day': 'day', 'value': 'open_at_close', 'over_time': 'last', 'unit': 'pull requests',
   'definition': 'Pull requests open at the end.'},
  {'name': 'pull_request_answers_due', 'mart': 'pull_request_metrics_daily', 'day': 'day', 'value': 'due', 'over_time': 'sum', 'unit': 'pull requests',
   'definition': 'Pull requests whose promised answer fell due.'},
  {'name': 'pull_request_answers_in_time', 'mart': 'pull_request_metrics_daily', 'day': 'day', 'value': 'due_met', 'over_time': 'sum',
   'unit': 'pull requests', 'definition': 'Those of them that were answered by then.'},
  {'name': 'alerts_opened', 'mart': 'security_alerts_daily', 'day': 'day', 'value': 'opened', 'over_time': 'sum', 'unit': 'alerts',
   'only': "alert_kind = 'dependabot'", 'definition': 'Dependabot alerts raised.'},
  {'name': 'alerts_fixed', 'mart': 'security_alerts_daily', 'day': 'day', 'value': 'fixed', 'over_time': 'sum', 'unit': 'alerts',
   'only': "alert_kind = 'dependabot'", 'definition': 'Dependabot alerts fixed; dismissed is not fixed.'},
  {'name': 'alerts_open', 'mart': 'security_alerts_daily', 'day': 'day', 'value': 'open_at_close', 'over_time': 'last', 'unit': 'alerts',
   'only': "alert_kind = 'dependabot'", 'definition': 'Dependabot alerts open at the end.'},
]) }}
{% endmacro %}
