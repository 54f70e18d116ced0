//! `BalancesService`.

use std::sync::Arc;
use std::time::Duration;

use domain::account::Account;
use domain::book::Balance;
use domain::money::Currency;
use domain::rulebook::Rulebook;
use domain::state::View as _;
use ledger::Snapshot;
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Response, Status};
use wire::balances::v1::balances_service_server::BalancesService;
use wire::balances::v1::{
    GetBalanceRequest, GetBalanceResponse, ListBalancesRequest, ListBalancesResponse, WatchBalancesRequest,
    WatchBalancesResponse,
};
use wire::names;
use wire::status::{ApiCode, api_status, field_invalid};

use crate::page::{self, Place, Query};
use crate::reader::{Moment, Reader};
use crate::server::Stopping;
use crate::stream::{self, Answers, Gone, Outlet};

pub(crate) struct Balances {
    pub(crate) reader: Reader,
    pub(crate) stopping: Stopping,
    pub(crate) heartbeat: Duration,
    pub(crate) client_patience: Duration,
}

#[tonic::async_trait]
impl BalancesService for Balances {
    async fn get_balance(&self, request: Request<GetBalanceRequest>) -> Result<Response<GetBalanceResponse>, Status> {
        let sent = request.get_ref();
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let moment = self.reader.moment(&asked).await?;
        if sent.account.is_empty() || sent.account.len() > 100 {
            return Err(field_invalid("account", "is the name of an account, 1 to 100 characters"));
        }
        let currency = currency("currency_code", &sent.currency_code)?;
        let rules = moment.names();
        let account = rules.currency(currency).and_then(|_| names::account(&sent.account, currency, rules));
        let account = account.ok_or_else(|| unknown(sent))?;
        let at = moment.clone();
        let balance = self.reader.blocking(move |handle| at.balance(handle, account)).await?;
        Ok(Response::new(GetBalanceResponse {
            balance: Some(names::balance(account, balance, rules)),
            sequence: moment.sequence.0,
            recorded_time: self.reader.recorded_at(&moment).await?.map(names::timestamp),
        }))
    }

    async fn list_balances(
        &self,
        mut request: Request<ListBalancesRequest>,
    ) -> Result<Response<ListBalancesResponse>, Status> {
        let token = std::mem::take(&mut request.get_mut().page_token);
        let sent = request.get_ref();
        let (size, query) = (page::size(sent.page_size)?, Query::new("ListBalances", sent));
        let filter = Filter::new(&sent.account_prefix, &sent.currency_code)?;
        let place = query.place(&token)?;
        let asked = self.reader.asked(&request, sent.read_at, sent.min_sequence);
        let moment = self.reader.moment_of_page(&asked, place.as_ref()).await?;
        let after = place.map(|place| place.after).unwrap_or_default();
        let rows = self.rows(&moment, filter, after, size + 1).await?;
        let last = rows.get(size).and_then(|_| rows.get(size - 1));
        let next = last.map(|row| Place { sequence: moment.sequence, after: row.key.clone() });
        Ok(Response::new(ListBalancesResponse {
            balances: rows.iter().take(size).map(|row| row.balance(moment.names())).collect(),
            next_page_token: next.map(|place| query.token(&place)).unwrap_or_default(),
            sequence: moment.sequence.0,
            recorded_time: self.reader.recorded_at(&moment).await?.map(names::timestamp),
        }))
    }

    type WatchBalancesStream = Answers<WatchBalancesResponse>;

    async fn watch_balances(
        &self,
        request: Request<WatchBalancesRequest>,
    ) -> Result<Response<Self::WatchBalancesStream>, Status> {
        let sent = request.get_ref();
        let filter = Filter::new(&sent.account_prefix, &sent.currency_code)?;
        let asked = self.reader.asked(&request, None, sent.min_sequence);
        let first = self.reader.reach(&asked).await?;
        let (outlet, answers) = stream::pair(self.client_patience);
        let (reader, stopping, heartbeat) = (self.reader.clone(), self.stopping.clone(), self.heartbeat);
        tokio::spawn(async move {
            // The client went away or is told why by the outlet.
            let _ = Watch { reader, stopping, heartbeat, filter }.run(first, &outlet).await;
        });
        Ok(Response::new(answers))
    }
}

impl Balances {
    /// At most `max` balances of a moment behind the key `after`, in order.
    async fn rows(&self, moment: &Moment, filter: Filter, after: String, max: usize) -> Result<Vec<Row>, Status> {
        let at = moment.clone();
        self.reader
            .blocking(move |handle| {
                let mut rows = Vec::new();
                for row in filter.rows(&at.newest).into_iter().filter(|row| row.key > after) {
                    let balance = at.balance(handle, row.account)?;
                    // Nothing is ever posted for zero: both totals are zero until the first posting.
                    if balance != Balance::default() {
                        rows.push(Row { balance, ..row });
                    }
                    if rows.len() == max {
                        break;
                    }
                }
                Ok(rows)
            })
            .await
    }
}

/// One account's balance, and what it is sorted by.
struct Row {
    key: String,
    account: Account,
    balance: Balance,
}

impl Row {
    fn balance(&self, rules: &Rulebook) -> wire::common::v1::Balance {
        names::balance(self.account, self.balance, rules)
    }
}

/// Which balances somebody wants.
#[derive(Clone)]
struct Filter {
    prefix: String,
    currency: Option<Currency>,
}

impl Filter {
    fn new(prefix: &str, currency_code: &str) -> Result<Self, Status> {
        if prefix.len() > 100 {
            return Err(field_invalid("account_prefix", "is longer than an account's name"));
        }
        let currency = if currency_code.is_empty() { None } else { Some(currency("currency_code", currency_code)?) };
        Ok(Self { prefix: prefix.to_owned(), currency })
    }

    fn lets_through(&self, name: &str, currency: Currency) -> bool {
        let named = match name.strip_prefix(self.prefix.as_str()) {
            Some(rest) => self.prefix.is_empty() || rest.is_empty() || rest.starts_with('.'),
            None => false,
        };
        named && self.currency.is_none_or(|only| only == currency)
    }

    /// Balances of a state in the order of account name, then currency.
    fn rows(&self, snapshot: &Snapshot) -> Vec<Row> {
        let rules = snapshot.state.rules().current();
        let all = snapshot.state.book().accounts().filter_map(|(account, balance)| {
            let name = names::account_name(account, rules);
            // A space sorts before every character of a name, so a key sorts like the pair.
            let key = format!("{name} {}", account.currency());
            self.lets_through(&name, account.currency()).then_some(Row { key, account, balance })
        });
        let mut rows: Vec<Row> = all.collect();
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        rows
    }
}

/// One client's watch.
struct Watch {
    reader: Reader,
    stopping: Stopping,
    heartbeat: Duration,
    filter: Filter,
}

impl Watch {
    async fn run(mut self, first: Arc<Snapshot>, outlet: &Outlet<WatchBalancesResponse>) -> Result<(), Gone> {
        let mut news = self.reader.news.clone();
        let mut shown = first;
        let rows = self.filter.rows(&shown).into_iter().filter(|row| row.balance != Balance::default());
        outlet.send(answer(rows, &shown)).await?;
        let mut quiet_until = Instant::now() + self.heartbeat;
        loop {
            let is_over = tokio::select! {
                () = outlet.closed() => return Err(Gone),
                () = self.stopping.wait() => true,
                changed = timeout_at(quiet_until, news.changed()) => matches!(changed, Ok(Err(_))),
            };
            if is_over {
                outlet.end(api_status(ApiCode::Starting, &[]));
                return Ok(());
            }
            let newest = match self.reader.newest() {
                Ok(newest) => newest,
                Err(status) => {
                    outlet.end(status);
                    return Ok(());
                }
            };
            let book = shown.state.book();
            let rows = self.filter.rows(&newest).into_iter().filter(|row| book.balance(row.account) != row.balance);
            let changes = answer(rows, &newest);
            shown = newest;
            if !changes.balances.is_empty() || Instant::now() >= quiet_until {
                outlet.send(changes).await?;
                quiet_until = Instant::now() + self.heartbeat;
            }
        }
    }
}

fn answer(rows: impl Iterator<Item = Row>, snapshot: &Snapshot) -> WatchBalancesResponse {
    let rules = snapshot.state.rules().current();
    WatchBalancesResponse { balances: rows.map(|row| row.balance(rules)).collect(), sequence: snapshot.sequence.0 }
}

/// A currency by its code.
pub(crate) fn currency(field: &str, code: &str) -> Result<Currency, Status> {
    Currency::from_code(code).ok_or_else(|| field_invalid(field, "is an ISO 4217 code, three capital letters"))
}

fn unknown(sent: &GetBalanceRequest) -> Status {
    let facts = [("account", sent.account.clone()), ("currency_code", sent.currency_code.clone())];
    api_status(ApiCode::AccountUnknown, &facts)
}
