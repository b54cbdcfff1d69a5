create schema if not exists psa;
create schema if not exists raw_vault;
create table psa.issues (
  load_date timestamp, scope varchar(200), host varchar(100), fetched_at timestamp, rec_src varchar(100),
  issue_id bigint, repo_id bigint, number bigint, title varchar(65535), state varchar(100), state_reason varchar(100),
  is_locked boolean, comments_count bigint, author_association varchar(100), reactions_count bigint,
  created_at timestamp, updated_at timestamp, closed_at timestamp,
  issue_hk uuid, repo_hk uuid, link_repo_issue_hk uuid, sat_issue_hd uuid
);
create table psa.declarations (
  fetched_at timestamp, answer_set varchar(100), parsed_again_from date, parsed_again_to date
)
