# SPDX-License-Identifier: MIT
# Looks up hosts in p0f-lookupd with POST /hosts, one address per line; in the response, each has its own
# status. For a single host there is also GET /host/IP: its response is the "host" below or, if p0f does not
# know the host, a problem document with status 404 and type urn:p0f-lookupd:no-match.
#
#     perl lookup.pl 192.0.2.7 2001:db8::1
#
# The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
# status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only Perl.
use v5.26;
use warnings;
use open qw(:std :encoding(UTF-8));
use HTTP::Tiny;
use JSON::PP;
use List::Util qw(max);

my $url = $ENV{P0F_LOOKUPD_URL} // 'http://127.0.0.1:5030';
my %options = (headers => {'Content-Type' => 'text/plain'}, content => join("\n", @ARGV));
my $response = HTTP::Tiny->new(timeout => 2)->post("$url/hosts", \%options);
my ($status, $content) = $response->@{qw(status content)};
my $answer = eval { decode_json($content) };    # a list of query, status, host or code and detail
if ($status != 200 || !$answer) {               # or a problem document
    chomp(my $reason = $status == 599 ? $content : "HTTP status $status");    # 599: no response
    say STDERR 'lookup: ', $answer ? $answer->{detail} : $reason;
    exit 2;
}
for my $item (@$answer) {
    my @words = grep { defined } $item->{detail}, $item->{host}->@{qw(os_name os_flavor)};
    say "$item->{query}: ", join(' ', @words) || 'unknown OS';
}
exit max map { {200 => 0, 404 => 1}->{$_->{status}} // 2 } @$answer;
